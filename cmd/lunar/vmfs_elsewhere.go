package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lunarsan/lunar/internal/control"
)

// elsewhere refuses a folder that lies on an image, or on a part of it: what is written there
// would be written over what is looked for.
func (c *cli) elsewhere(ctx context.Context, dest, image string) error {
	under, err := lies(dest)
	if err != nil {
		return fmt.Errorf("finding what %s lies on: %w", dest, err)
	}
	for name := range strings.SplitSeq(image, ",") {
		path, _, err := c.imagePath(ctx, name)
		if err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if under.on(info) {
			return &control.Problem{
				Title: fmt.Sprintf("%s lies on %s itself", dest, name),
				Hint:  "Name a folder on another disk: writing to this one destroys what was deleted.",
			}
		}
	}
	return nil
}

// nearest is the folder, or the first one above it that is there.
func nearest(folder string) (os.FileInfo, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	for {
		info, err := os.Stat(folder)
		if err == nil || !os.IsNotExist(err) || folder == filepath.Dir(folder) {
			return info, err
		}
		folder = filepath.Dir(folder)
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/shelf"
	"github.com/lunarsan/lunar/stream/wire"
	"github.com/lunarsan/lunar/stream/zfs"
)

// fromFile has the destination receive a stream that is there already, or all of a package.
func (s *sending) fromFile(ctx context.Context) (stream.Outcome, error) {
	in, err := s.c.openStream("sending", s.source.file)
	if err != nil {
		return stream.Outcome{}, err
	}
	defer in.close()
	out, err := stream.Unpack(ctx, in.stream, stream.Unpacking{
		Receive:  stream.Receive{Name: s.name, Rollback: s.rollback},
		Volume:   s.dest.below,
		Files:    s.dest.takesFiles(),
		Progress: s.bar.step,
	})
	var damage *dmu.Error
	if errors.As(err, &damage) {
		err = ofStream(in.name, err)
	}
	return out, err
}

// takesFiles says whether a file system can be received: by a dataset, not by a file.
func (e *endpoint) takesFiles() bool {
	if e.link != nil {
		return !filepath.IsAbs(e.far) && !strings.HasPrefix(e.far, "lu:")
	}
	_, dataset := e.volume.(*zfs.Volume)
	return dataset
}

// below is the volume below the one of the endpoint that has a name there; the empty name is its
// own.
func (e *endpoint) below(name string) (stream.Volume, error) {
	if name == "" {
		return e.volume, nil
	}
	if !strings.HasPrefix(e.name, "lu:") && !strings.HasPrefix(e.far, "lu:") {
		switch v := e.volume.(type) {
		case *wire.Volume:
			return e.link.Volume(strings.TrimSuffix(e.far, "/") + "/" + name), nil
		case *zfs.Volume:
			return zfs.Open(v.Name()+"/"+name, zfs.Exec("zfs"))
		case *shelf.Shelf:
			if !belongings.MatchString(name) {
				return shelf.New(filepath.Join(v.Path(), name)), nil
			}
		}
	}
	return nil, &usageError{fmt.Sprintf("the package has %s, and %s has no place for it", name, e.name), "Name a dataset or a folder that the volumes of the package go below."}
}

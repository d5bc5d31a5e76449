package backup

import (
	"context"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/lunarsan/lunar/vmfs"
)

// classicHeader is how much of a partition the old script took.
const classicHeader = 2 << 20

// classic writes the files of the original script beside the others: the first 2 MiB of each
// partition, and .vh.sf, the file system's header with the heartbeats.
func (t *taking) classic(ctx context.Context, v *vmfs.Volume) error {
	for i, m := range v.Members {
		dev := folderName(filepath.Base(m.String()))
		header := ranges(v, Part{Name: "classic header", Ranges: []Range{{i, 0, min(classicHeader, m.Size)}}})
		if err := t.raw(ctx, header, "vmfs-header-backup-"+dev+".hex"); err != nil {
			return err
		}
	}
	dev := folderName(filepath.Base(v.Members[0].String()))
	vh := ranges(v, Part{Name: "classic metadata", Ranges: logical(v, 0, v.Superblock().FDCOffset())})
	return t.raw(ctx, vh, "vmfs-metadata-"+dev+"-vh.sf.bu")
}

// raw stores a source as it is.
func (t *taking) raw(ctx context.Context, s *source, name string) error {
	sum := newTally()
	err := t.shelf.write(path.Join(unfinished, name), func(f *os.File) error {
		return s.write(ctx, io.MultiWriter(f, sum))
	})
	t.sums[name] = sum.sum()
	return err
}

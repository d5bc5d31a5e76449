package backup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"
)

// compressed reports a file of a backup that is compressed.
func compressed(file string) bool { return strings.HasSuffix(file, ".zst") }

// read digests a source as it is now.
func (s *source) read(ctx context.Context) (Digest, int64, error) {
	t := newTally()
	err := s.write(ctx, t)
	return t.sum(), t.n, err
}

// store writes a source to the unfinished backup. Where the backup before has the same bytes,
// and they are as they were written, its file gets a second name.
func (t *taking) store(ctx context.Context, s *source) (Part, error) {
	part, name := s.Part, path.Join(unfinished, s.File)
	if old := t.before(s); old != nil {
		d, n, err := s.read(ctx)
		if err != nil {
			return part, err
		}
		if d == old.SHA256 && n == old.Size && t.linked(old, name) {
			part.SHA256, part.Size = d, n
			return part, nil
		}
	}
	tally := newTally()
	stored := newTally()
	err := t.shelf.write(name, func(f *os.File) (err error) {
		out := bufio.NewWriterSize(io.MultiWriter(f, stored), piece)
		if !compressed(s.File) {
			err = s.write(ctx, io.MultiWriter(out, tally))
			return errors.Join(err, out.Flush())
		}
		z, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return err
		}
		if err := errors.Join(s.write(ctx, io.MultiWriter(z, tally)), z.Close()); err != nil {
			return err
		}
		return out.Flush()
	})
	part.SHA256, part.Size = tally.sum(), tally.n
	t.sums[s.File] = stored.sum()
	return part, err
}

// before is the part in the backup before that may have the same bytes.
func (t *taking) before(s *source) *Part {
	if t.last == nil {
		return nil
	}
	old := t.last.part(s.Name)
	if old == nil || old.File != s.File || s.Size != 0 && old.Size != s.Size {
		return nil
	}
	return old
}

// linked gives a file of the backup before a second name, and reports that it could. A file
// that does not have its digest any more is not made part of another backup.
func (t *taking) linked(old *Part, name string) bool {
	from := path.Join(path.Base(t.last.Path), old.File)
	f, err := t.shelf.root.Open(from)
	if err != nil {
		return false
	}
	d, _, err := digest(f)
	if err = errors.Join(err, f.Close()); err != nil || t.last.sums[old.File] != d {
		return false
	}
	if err := t.shelf.link(from, name); err != nil {
		return false
	}
	t.sums[old.File] = d
	return true
}

// unstorable reports an error of one name, rather than of the disk: names on the volume may be
// longer than a folder takes, or a file's where there is a folder.
func unstorable(err error) bool {
	for _, e := range []error{unix.ENAMETOOLONG, unix.ENOTDIR, unix.EISDIR, unix.EEXIST, unix.EINVAL, unix.EILSEQ} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// sumsName is the file of the digests of all others, as sha256sum writes and checks them.
const sumsName = "SHA256SUMS"

// parseSums reads a file of digests.
func parseSums(text string) (map[string]Digest, error) {
	sums := map[string]Digest{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		sum, name, ok := strings.Cut(line, "  ")
		var d Digest
		if err := d.UnmarshalText([]byte(sum)); err != nil || !ok || name == "" {
			return nil, fmt.Errorf("%s: %q is not a line of it", sumsName, line)
		}
		sums[name] = d
	}
	return sums, nil
}

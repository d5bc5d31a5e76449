package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

const (
	manifestName = "manifest.json"
	maxManifest  = 1 << 30 // bytes: it lists where each part is
)

// A Backup is one that is complete.
type Backup struct {
	Path string
	Manifest
	sums map[string]Digest
}

// ErrDamaged marks a backup that is not as it was written.
var ErrDamaged = errors.New("the backup is damaged")

// Open opens the backup in a folder, or the newest of those in it. The manifest is checked to
// be the one that was written; Verify checks the rest.
func Open(name string) (*Backup, error) {
	if _, err := os.Stat(filepath.Join(name, manifestName)); errors.Is(err, fs.ErrNotExist) {
		if list, err := names(name); err == nil && len(list) > 0 {
			name = filepath.Join(name, list[len(list)-1])
		}
	}
	sums, err := readFile(filepath.Join(name, sumsName))
	if err != nil {
		return nil, fmt.Errorf("opening the backup %s: %w", name, err)
	}
	manifest, err := readFile(filepath.Join(name, manifestName))
	if err != nil {
		return nil, fmt.Errorf("opening the backup %s: %w", name, err)
	}
	b, err := parse(sums, manifest)
	if err != nil {
		return nil, fmt.Errorf("opening the backup %s: %w", name, err)
	}
	b.Path = name
	return b, nil
}

// parse reads the digests of a backup, and the manifest that they are of.
func parse(sums, manifest []byte) (b *Backup, err error) {
	b = new(Backup)
	if b.sums, err = parseSums(string(sums)); err != nil {
		return nil, err
	}
	sum := newTally()
	_, _ = sum.Write(manifest) // which cannot fail
	if b.sums[manifestName] != sum.sum() {
		return nil, fmt.Errorf("%s is not the one that was written: %w", manifestName, ErrDamaged)
	}
	if err := json.Unmarshal(manifest, &b.Manifest); err != nil {
		return nil, fmt.Errorf("reading %s: %w", manifestName, err)
	}
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", manifestName, err)
	}
	return b, nil
}

// readFile reads a file that is not unreasonably long.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err = errors.Join(err, f.Close()); err == nil && len(text) > maxManifest {
		err = fmt.Errorf("%s has more than %d bytes", name, maxManifest)
	}
	return text, err
}

// check reports a manifest that cannot be followed.
func (m *Manifest) check() error {
	if m.Format != format {
		return fmt.Errorf("the backup has format %d, and this program knows %d", m.Format, format)
	}
	const most = 1024 << 17 // bytes of heartbeats, of the largest alignment
	if n := sum(m.Volume.Heartbeats); m.Volume.HeartbeatStep < sector || n < 0 || n > most {
		return fmt.Errorf("%d bytes of heartbeats, %d each", n, m.Volume.HeartbeatStep)
	}
	lists := [][]Range{m.Volume.Heartbeats}
	for _, p := range m.Parts {
		lists = append(lists, p.Ranges)
		if !filepath.IsLocal(p.File) || p.Size < 0 || p.Ranges != nil && sum(p.Ranges) != p.Size {
			return fmt.Errorf("part %s is %d bytes in %q", p.Name, p.Size, p.File)
		}
	}
	for _, list := range lists {
		for _, r := range list {
			if r.Member < -1 || r.Member >= len(m.Members) || r.Offset < 0 || r.Length <= 0 || r.Offset > 1<<61 || r.Length > 1<<61 {
				return fmt.Errorf("%d bytes at %#x of member %d", r.Length, r.Offset, r.Member)
			}
		}
	}
	return nil
}

// Stored is how many bytes the files of the backup have, those that others share too.
func (b *Backup) Stored() (n int64, err error) {
	err = filepath.WalkDir(b.Path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	return n, err
}

// Bytes is how many bytes the parts have.
func (m *Manifest) Bytes() (n int64) {
	for _, p := range m.Parts {
		n += p.Size
	}
	return n
}

// Part is the part with a name; nil when there is none.
func (b *Backup) Part(name string) *Part { return b.part(name) }

// Open opens a part for reading.
func (b *Backup) Open(p *Part) (io.ReadCloser, error) {
	f, err := os.OpenInRoot(b.Path, p.File)
	if err != nil {
		return nil, fmt.Errorf("opening %s of %s: %w", p.Name, b.Path, err)
	}
	if !compressed(p.File) {
		return f, nil
	}
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &unpacked{z, f}, nil
}

// An unpacked part closes its file too.
type unpacked struct {
	*zstd.Decoder
	file *os.File
}

// Close implements io.Closer.
func (u *unpacked) Close() error {
	u.Decoder.Close()
	return u.file.Close()
}

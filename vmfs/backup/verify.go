package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A Damage is something of a backup that is not as it was written.
type Damage struct {
	File string `json:"file"`
	What string `json:"what"`
}

// Verify checks every file of a backup against its digest, and the bytes of every part. What it
// finds is not an error; that it could not look is.
func (b *Backup) Verify(ctx context.Context) (found []Damage, err error) {
	listed := map[string]bool{sumsName: true}
	for name := range b.sums {
		listed[name] = true
	}
	err = filepath.WalkDir(b.Path, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err = filepath.Rel(b.Path, name)
		if err == nil && !listed[filepath.ToSlash(name)] {
			found = append(found, Damage{name, "is not of the backup"})
		}
		return err
	})
	if err != nil {
		return found, fmt.Errorf("verifying %s: %w", b.Path, err)
	}
	held := map[string]bool{}
	for i := range b.Parts {
		p := &b.Parts[i]
		held[p.File] = true
		if what := b.verifyPart(ctx, p); what != "" {
			found = append(found, Damage{p.File, what})
		}
	}
	for name, want := range b.sums {
		if held[name] || name == manifestName {
			continue
		}
		if what := b.verifyFile(name, want); what != "" {
			found = append(found, Damage{name, what})
		}
	}
	return found, ctx.Err()
}

// verifyPart says what is wrong with a part; nothing when nothing is.
func (b *Backup) verifyPart(ctx context.Context, p *Part) string {
	if what := b.verifyFile(p.File, b.sums[p.File]); what != "" {
		return what
	}
	r, err := b.Open(p)
	if err != nil {
		return err.Error()
	}
	d, n, err := digest(io.LimitReader(cancelled{ctx, r}, p.Size+1))
	switch err = errors.Join(err, r.Close()); {
	case err != nil:
		return err.Error()
	case n != p.Size || d != p.SHA256:
		return fmt.Sprintf("holds other bytes than those of %s", p.Name)
	}
	return ""
}

// verifyFile says what is wrong with a file as it is stored.
func (b *Backup) verifyFile(name string, want Digest) string {
	f, err := os.OpenInRoot(b.Path, name)
	if errors.Is(err, fs.ErrNotExist) {
		return "is not there"
	}
	if err != nil {
		return err.Error()
	}
	d, _, err := digest(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return err.Error()
	}
	if d != want {
		return "is not as it was written"
	}
	return ""
}

// cancelled is a reader that ends with the context.
type cancelled struct {
	ctx context.Context
	io.Reader
}

// Read implements io.Reader.
func (c cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.Reader.Read(p)
}

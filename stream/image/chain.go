//go:build unix

package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/stream/dmu"
)

// ChainBeside is where the chain of the file at path is.
func ChainBeside(path string) string { return path + ".lunar" }

// ReadChain reads the chain at path, or returns an empty one where there is none.
func ReadChain(path string) (*dmu.Chain, error) {
	p, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return new(dmu.Chain), nil
	} else if err != nil {
		return nil, err
	}
	c, err := dmu.ParseChain(p)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Chain is the chain that Open has read.
func (s *Store) Chain() *dmu.Chain { return s.chain }

// ChainPath is the file that the chain is in.
func (s *Store) ChainPath() string { return s.beside }

// Save keeps the chain, with when the file was written to last. It is durable when Save returns.
func (s *Store) Save(c *dmu.Chain) error {
	written, err := s.Written()
	if err != nil {
		return err
	}
	c.Modified = written
	if err := WriteChain(s.beside, c); err != nil {
		return err
	}
	s.made = false
	return nil
}

// WriteChain keeps c at path. It is durable when WriteChain returns.
func WriteChain(path string, c *dmu.Chain) error {
	p, err := c.Encode()
	if err != nil {
		return err
	}
	return sbd.Replace(path, p)
}

// Modified says whether the file was written to since its chain was saved. Of a device nobody
// knows.
func (s *Store) Modified() (bool, error) {
	if !s.regular || s.chain.Modified.IsZero() || s.chain.State() != dmu.ChainComplete {
		return false, nil
	}
	written, err := s.Written()
	return !written.Equal(s.chain.Modified), err
}

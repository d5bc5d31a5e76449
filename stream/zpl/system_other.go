//go:build !linux

package zpl

import (
	"errors"
	"os"
)

func setXattr(*os.File, string, []byte) error { return errors.ErrUnsupported }

func makeFIFO(*os.File, string) error { return errors.ErrUnsupported }

func punch(f *os.File, off, n int64) error { return zeroOut(f, off, n) }

func nextData(_ *os.File, off int64) (int64, error) { return off, nil }

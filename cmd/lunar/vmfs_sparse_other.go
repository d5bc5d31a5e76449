//go:build !linux

package main

import "os"

// A sparseFile is read where it may have holes.
type sparseFile struct{ *os.File }

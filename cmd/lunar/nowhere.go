package main

// A nowhere is the volume of a dry run.
type nowhere struct {
	size  int64
	fixed bool
}

func (n *nowhere) Size() int64               { return n.size }
func (n *nowhere) Fixed() bool               { return n.fixed }
func (n *nowhere) Punch(_, _ int64) error    { return nil }
func (n *nowhere) Sync() error               { return nil }
func (n *nowhere) Truncate(size int64) error { n.size = size; return nil }

func (n *nowhere) WriteAt(p []byte, off int64) (int, error) {
	n.size = max(n.size, off+int64(len(p)))
	return len(p), nil
}

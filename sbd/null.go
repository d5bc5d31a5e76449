package sbd

// A Null is a store that reads zeros and forgets what is written, to measure everything but
// the store. Use NewNull.
type Null struct{ size int64 }

// NewNull returns a store of size bytes.
func NewNull(size int64) *Null { return &Null{size} }

// Size returns the capacity in bytes.
func (s *Null) Size() int64 { return s.size }

// ReadAt fills p with zeros.
func (s *Null) ReadAt(p []byte, off int64) (int, error) {
	if err := checkRange("null", off, int64(len(p)), s.size); err != nil {
		return 0, err
	}
	clear(p)
	return len(p), nil
}

// WriteAt drops p.
func (s *Null) WriteAt(p []byte, off int64) (int, error) {
	if err := checkRange("null", off, int64(len(p)), s.size); err != nil {
		return 0, err
	}
	return len(p), nil
}

// TryReadAt is ReadAt.
func (s *Null) TryReadAt(p []byte, off int64) (int, error) { return s.ReadAt(p, off) }

// TryWriteAt is WriteAt.
func (s *Null) TryWriteAt(p []byte, off int64) (int, error) { return s.WriteAt(p, off) }

// Sync does nothing.
func (s *Null) Sync() error { return nil }

// Close does nothing.
func (s *Null) Close() error { return nil }

package layer

import "errors"

// What a stack refuses, beside the errors of package sbd: a layer that somebody reads, and a volume
// that somebody has open, are sbd.ErrInUse.
var (
	ErrNoLayer = errors.New("there is no such layer")
	ErrExists  = errors.New("there is such a layer already")
	ErrCloned  = errors.New("the layer has clones")
	ErrTouched = errors.New("the file below the layers was written to by something that knows nothing of them")
	ErrDamaged = errors.New("what is kept about the layers is damaged")
)

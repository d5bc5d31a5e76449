package vmfstest

import (
	"errors"
	"fmt"
	"io"
)

// builder writes one volume. The first error sticks; what follows does nothing.
type builder struct {
	spec      Spec
	vol       *volume
	blockSize int64
	subBlock  int64

	vh        *systemFile
	of        map[addressKind]*resource
	resources []*resource // in the order in which they are written
	nextLarge int64
	left      map[int64]bool // descriptors that deleted files left

	root   *node
	nodes  []*node // in order of creation
	byPath map[string]*node
	buf    []byte
	err    error
}

// six reports whether the structures are those of VMFS6.
func (b *builder) six() bool { return b.spec.Version == 6 }

// fail keeps the first error.
func (b *builder) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// write writes at an offset of the logical volume.
func (b *builder) write(at int64, p []byte) {
	if b.err == nil {
		if _, err := b.vol.WriteAt(p, at); err != nil {
			b.fail(err)
		}
	}
}

// newBuilder checks a description and completes it.
func newBuilder(spec Spec) (*builder, error) {
	if spec.Version != 3 && spec.Version != 5 && spec.Version != 6 {
		return nil, fmt.Errorf("VMFS%d: 3, 5 and 6 can be written", spec.Version)
	}
	setDefault(&spec.Label, "volume")
	setDefault(&spec.BlockSize, 1<<20)
	setDefault(&spec.Alignment, 4096)
	setDefault(&spec.SubBlockSize, map[int]int64{3: 64 << 10, 5: 8 << 10, 6: 64 << 10}[spec.Version])
	b := &builder{spec: spec, blockSize: spec.BlockSize, subBlock: spec.SubBlockSize, byPath: make(map[string]*node), left: make(map[int64]bool)}
	if err := b.plant(); err != nil {
		return nil, err
	}
	vol, err := newVolume(&b.spec)
	if err != nil {
		return nil, err
	}
	b.vol = vol
	b.plan()
	return b, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Sizes are those of the devices in bytes.
func (s Spec) Sizes() ([]int64, error) {
	vol, err := newVolume(&s)
	if err != nil {
		return nil, err
	}
	var sizes []int64
	for _, p := range vol.partitions {
		sizes = append(sizes, p.deviceSize())
	}
	return sizes, nil
}

// Write writes the volume to its devices. What it does not write has to read as zeros.
func (s Spec) Write(devices ...io.WriterAt) (*Image, error) {
	b, err := newBuilder(s)
	if err != nil {
		return nil, err
	}
	if len(devices) != len(b.vol.partitions) {
		return nil, fmt.Errorf("%d devices for a volume of %d", len(devices), len(b.vol.partitions))
	}
	for n, p := range b.vol.partitions {
		p.out = devices[n]
		b.fail(errors.Join(p.writeTable(), b.vol.writeLVM(p)))
	}
	b.layOut()
	b.writeFiles()
	b.writeDirectories()
	b.writeSystemDescriptors()
	b.delete()
	b.writeSuperblock()
	b.writeHeartbeats()
	b.countLarge()
	for _, r := range b.resources {
		r.write(b)
	}
	return &Image{b: b}, b.err
}

// Disks writes the volume to disks in memory.
func (s Spec) Disks() ([]*Disk, *Image, error) {
	sizes, err := s.Sizes()
	if err != nil {
		return nil, nil, err
	}
	var disks []*Disk
	var devices []io.WriterAt
	for _, size := range sizes {
		d := &Disk{Size: size}
		disks, devices = append(disks, d), append(devices, d)
	}
	image, err := s.Write(devices...)
	return disks, image, err
}

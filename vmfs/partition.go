package vmfs

import "fmt"

// A Scheme is how a partition was found.
type Scheme string

const (
	Bare  Scheme = "none" // the device is the partition
	MBR   Scheme = "MBR"
	GPT   Scheme = "GPT"
	Found Scheme = "lost" // by looking for its LVM header
)

// A Partition is a part of a device that holds an extent of a volume. Offsets in it are those
// that the format calls physical.
type Partition struct {
	Number int   // in the table, from 1; 0 without one
	Start  int64 // bytes
	Size   int64
	Scheme Scheme

	dev *Device
}

// Device is what the partition is on.
func (p *Partition) Device() *Device { return p.dev }

// String names the partition: disk.img:8.
func (p *Partition) String() string {
	switch p.Scheme {
	case Bare:
		return p.dev.Name
	case Found:
		return fmt.Sprintf("%s@%d", p.dev.Name, p.Start)
	}
	return fmt.Sprintf("%s:%d", p.dev.Name, p.Number)
}

// ReadAt reads from the partition, whole or not at all.
func (p *Partition) ReadAt(b []byte, off int64) (int, error) {
	if err := p.check(off, len(b)); err != nil {
		return 0, err
	}
	if err := p.dev.fill(b, p.Start+off); err != nil {
		return 0, err
	}
	return len(b), nil
}

// view returns n bytes at off of the partition.
func (p *Partition) view(off int64, n int, buf *scratch) ([]byte, error) {
	if err := p.check(off, n); err != nil {
		return nil, err
	}
	return p.dev.view(p.Start+off, n, buf)
}

func (p *Partition) check(off int64, n int) error {
	if off < 0 || off > p.Size-int64(n) {
		return &FormatError{"partition", p.dev.Name, p.Start, fmt.Sprintf("%d bytes at %#x are not in its %d", n, off, p.Size)}
	}
	return nil
}

// Partitions finds the VMFS partitions of d: d itself, or those that its GPT or MBR lists. It
// finds none where the table was lost; see Scan.
func Partitions(d *Device) ([]Partition, error) {
	whole := Partition{Size: d.Size, Scheme: Bare, dev: d}
	if whole.hasLVM() {
		return []Partition{whole}, nil
	}
	parts, err := gptPartitions(d)
	if err != nil || len(parts) > 0 {
		return parts, err
	}
	return mbrPartitions(d)
}

// hasLVM reports an LVM header where a partition has it.
func (p *Partition) hasLVM() bool {
	h, err := p.header()
	return err == nil && h.check() == nil
}

// LVMHeader reads the LVM header, and checks that it is one.
func (p *Partition) LVMHeader() (*LVMHeader, error) {
	h, err := p.header()
	if err != nil {
		return nil, err
	}
	if err := h.check(); err != nil {
		return nil, &FormatError{"LVM header", p.dev.Name, p.Start + lvmOffset, err.Error()}
	}
	return h, nil
}

// header reads what is where the LVM header belongs.
func (p *Partition) header() (*LVMHeader, error) {
	h := new(LVMHeader)
	if _, err := p.ReadAt(h[:], lvmOffset); err != nil {
		return nil, err
	}
	return h, nil
}

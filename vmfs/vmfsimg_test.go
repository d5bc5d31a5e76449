package vmfs

import (
	"bytes"
	"encoding/binary"
	"hash/adler32"
	"math/rand/v2"
	"strings"
	"testing"
)

// imaged is a device of zeros and of blocks that begin with something, and its image.
func imaged() (device, image []byte) {
	random := rand.NewChaCha8([32]byte{'i'})
	image = []byte(imageMagic)
	for _, words := range []int{3, 128, 0, 1} {
		block := make([]byte, imageBlockLen)
		random.Read(block[:4*words])
		if image = append(image, 0x00, byte(words&0x7F)); words > 0x7F {
			image[len(image)-1] |= 0x80
			image = append(image, byte(words>>7))
		}
		image = append(image, block[:4*words]...)
		image = append(image, 0x01, 0x80|99, 0x02) // 355 blocks and one of zeros
		device = append(append(device, block...), make([]byte, 356*imageBlockLen)...)
	}
	image = append(image, 0x7F)
	return device, binary.LittleEndian.AppendUint32(image, adler32.Checksum(device))
}

func TestVmfsimg(t *testing.T) {
	device, image := imaged()
	m, err := OpenVmfsimg(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, m.Size())
	if _, err := m.ReadAt(got, 0); err != nil || !bytes.Equal(got, device) {
		t.Errorf("the device of %d bytes is not what was imaged, of %d (%v)", m.Size(), len(device), err)
	}
}

func TestVmfsimgDamaged(t *testing.T) {
	_, image := imaged()
	for at := range image {
		damaged := bytes.Clone(image)
		damaged[at] ^= 0x10
		if _, err := OpenVmfsimg(bytes.NewReader(damaged), int64(len(damaged))); err == nil {
			t.Errorf("a flipped bit at %d of %d is not found", at, len(image))
		}
		if _, err := OpenVmfsimg(bytes.NewReader(image[:at]), int64(at)); err == nil {
			t.Errorf("an image cut at %d of %d is taken for whole", at, len(image))
		} else if at > len(imageMagic) && !strings.Contains(err.Error(), "cut short") {
			t.Errorf("an image that ends at %d: %v", at, err)
		}
	}
}

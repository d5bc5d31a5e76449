package dmu

import (
	"fmt"

	"github.com/lunarsan/lunar/stream/dmu/nvlist"
)

// checkResume holds the token of GenerateOptions to the snapshot, and to what a receiver that
// goes on compares: it wants the GUIDs that it knows, and large blocks if and only if the stream
// that was cut had them.
func (o *GenerateOptions) checkResume() error {
	t, s := o.Resume, &o.Snapshot
	bs := uint64(s.BlockSize)
	switch {
	case t.ToGUID != s.GUID || t.FromGUID != s.From:
		return fmt.Errorf("the token is of snapshot %d since %d, and the stream of %d since %d", t.ToGUID, t.FromGUID, s.GUID, s.From)
	case t.Raw || t.Other != nil:
		return fmt.Errorf("the token of %s is of a raw or redacted stream, which only ZFS can go on with", t.ToName)
	case t.Object > ZvolProps:
		return fmt.Errorf("the token goes on at object %d, and volumes have two", t.Object)
	case t.Object <= ZvolData && (t.Offset%bs != 0 || t.Offset >= s.Size):
		return fmt.Errorf("the token goes on at byte %d, where no block of %d bytes begins in a volume of %d", t.Offset, bs, s.Size)
	case s.BlockSize > oldMaxBlock && !t.LargeBlocks:
		return fmt.Errorf("the token is of a stream without large blocks, and the volume has blocks of %d bytes", bs)
	}
	return nil
}

// resumesIn is the object in which the stream begins, and the byte.
func (o *GenerateOptions) resumesIn() (object, offset uint64) {
	switch t := o.Resume; {
	case t == nil || t.Object < ZvolData:
		return ZvolData, 0
	default:
		return t.Object, t.Offset
	}
}

// resumeNote is what BEGIN has for a receiver that goes on: the place that its token said.
func (t *Token) resumeNote() ([]byte, error) {
	return nvlist.New().AddUint64(keyResumeObject, t.Object).AddUint64(keyResumeOffset, t.Offset).Encode(nvlist.XDRLittle)
}

// The payload of a resuming BEGIN has these.
const (
	keyResumeObject = "resume_object"
	keyResumeOffset = "resume_offset"
)

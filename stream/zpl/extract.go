package zpl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/lunarsan/lunar/stream/dmu"
)

// ErrNotFileSystem is the kind of refusals of streams of other datasets.
var ErrNotFileSystem = errors.New("the stream is not of a file system")

// Options say what is extracted.
type Options struct {
	Dataset  string // of a package that has several; empty: the first
	Snapshot string // stop at that one, without its dataset; empty: the last
	Owners   bool   // keep owners, set-user-ID bits, and privileged attributes

	// Problem is told what is left out, and why.
	Problem func(path string, err error)
}

// A Summary is what was extracted.
type Summary struct {
	Snapshot    string `json:"snapshot"`
	Files       int64  `json:"files"`
	Directories int64  `json:"directories"`
	Symlinks    int64  `json:"symlinks"`
	Pipes       int64  `json:"pipes"`
	Links       int64  `json:"links"` // further names of files
	Bytes       uint64 `json:"bytes"` // in files
	Xattrs      int64  `json:"xattrs"`
	LeftOut     int64  `json:"left_out"`
}

// An Extractor takes a full stream of a file system, and incremental ones that go on from it, and
// writes the files out.
type Extractor struct {
	stage *stage
	o     Options
	sum   Summary
	names *catalogue

	at      uint64 // GUID of the snapshot that is staged
	reached bool   // the snapshot that was asked for
	taking  bool   // the substream under way
}

// New makes an Extractor to root, which should be empty. Its stage is a folder there.
func New(root *os.Root, o Options) (*Extractor, error) {
	s, err := newStage(root)
	if err != nil {
		return nil, err
	}
	if o.Problem == nil {
		o.Problem = func(string, error) {}
	}
	return &Extractor{stage: s, o: o}, nil
}

// Close removes the stage.
func (e *Extractor) Close() error { return e.stage.close() }

// Add takes a stream or a package. After an error, what came before it is staged.
func (e *Extractor) Add(ctx context.Context, in io.Reader) error {
	v := dmu.NewVerifier(in, false)
	e.taking = false
	for {
		rec, err := v.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = e.take(v, rec)
		}
		if err != nil {
			return err
		}
	}
}

func (e *Extractor) take(v *dmu.Verifier, rec *dmu.Record) error {
	switch b := rec.Begin(); {
	case rec.Type() == dmu.TypeBegin && b.Kind() == dmu.Substream:
		var err error
		e.taking, err = e.admit(v, b)
		return err
	case !e.taking:
		return nil
	case rec.Type() == dmu.TypeEnd:
		e.taking = false
		name := v.Begin().ToName()
		_, snapshot, _ := strings.Cut(name, "@")
		e.at, e.reached = v.Begin().ToGUID(), snapshot == e.o.Snapshot
		return nil
	}
	return e.stage.take(rec, v.Payload())
}

// admit says whether a substream is taken.
func (e *Extractor) admit(v *dmu.Verifier, b *dmu.Begin) (bool, error) {
	name := b.ToName()
	dataset, _, _ := strings.Cut(name, "@")
	if e.o.Dataset == "" {
		e.o.Dataset = dataset
	}
	if e.reached || dataset != e.o.Dataset || e.at != 0 && b.ToGUID() == e.at {
		return false, nil
	}
	switch f := b.Features(); {
	case b.Objset() != dmu.ObjsetZFS:
		return false, &dmu.Refusal{Kind: ErrNotFileSystem, What: fmt.Sprintf("%s is a %v", name, b.Objset()), Hint: "lunar stream apply makes a disk of a volume's stream."}
	case f.Has(dmu.FeatureRaw):
		return false, &dmu.Refusal{Kind: dmu.ErrEncrypted, What: name + " was sent raw, and its files cannot be read without the key, which never is in a stream", Hint: "Send it without -w."}
	case f.Has(dmu.FeatureRedacted):
		return false, &dmu.Refusal{Kind: dmu.ErrPartial, What: name + " is redacted", Hint: "Send it without --redact."}
	case f.Has(dmu.FeatureResuming):
		return false, &dmu.Refusal{Kind: dmu.ErrBase, What: name + " is the rest of a stream", Hint: "Send it from the beginning."}
	case b.FromGUID() != e.at && e.at == 0:
		return false, &dmu.Refusal{Kind: dmu.ErrBase, What: fmt.Sprintf("%s goes on from the snapshot with GUID %d, and there is none before it", name, b.FromGUID()), Hint: "Name the full stream first, and then the incremental ones in order."}
	case b.FromGUID() != e.at:
		return false, &dmu.Refusal{Kind: dmu.ErrBase, What: fmt.Sprintf("%s goes on from the snapshot with GUID %d, and the stream before it is of %s (GUID %d)", name, b.FromGUID(), e.sum.Snapshot, e.at), Hint: "Name the full stream first, and then the incremental ones in order."}
	case e.stage.order != nil && e.stage.order != v.Order():
		return false, &dmu.Refusal{Kind: dmu.ErrBase, What: name + " was sent by a machine with the other order of bytes", Hint: "Receive both with ZFS, and send a full stream."}
	}
	e.stage.order = v.Order()
	e.sum.Snapshot = name
	return true, nil
}

package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/lunarsan/lunar/stream/dmu"
)

// An Unpacking says where the snapshots of a package go.
type Unpacking struct {
	// Receive says how each of them is taken. Its Name is for a stream that is no package.
	Receive
	// Volume finds where those of a dataset go: below is "" for the dataset that the package is
	// of, and for one below it what is behind that and a slash.
	Volume func(below string) (Volume, error)
	// Files says that file systems go there too; otherwise they are passed over.
	Files bool
	// Progress hears of each piece that was received. nil: nobody does.
	Progress func(Progress)
}

// Unpack receives each snapshot of a package (zfs send -R, -I, -p) by itself, in order. Those
// that are there already are passed over, so that a package can be given again after it was cut.
// A stream that is no package is received as it is.
func Unpack(ctx context.Context, in io.Reader, u Unpacking) (out Outcome, err error) {
	p := &unpacker{Unpacking: u, in: dmu.NewSubstreams(in), places: map[string]*place{}, out: &out}
	for {
		b, err := p.in.Next()
		if err == io.EOF {
			p.note()
			return out, nil
		}
		if err == nil {
			err = p.take(ctx, *b)
		}
		if err != nil {
			return out, asStream(err)
		}
	}
}

// An unpacker is a package on its way.
type unpacker struct {
	Unpacking
	in     *dmu.Substreams
	places map[string]*place // by what is behind the package's dataset
	known  int               // snapshots that were there already
	out    *Outcome
}

// A place is where the snapshots of a dataset go.
type place struct {
	volume Volume
	has    map[uint64]bool // GUIDs
}

// take does with a substream what is to be done.
func (p *unpacker) take(ctx context.Context, b dmu.Begin) error {
	whole := p.in.Package()
	if whole == "" {
		v, err := p.Volume("")
		if err != nil {
			return err
		}
		return p.receive(ctx, v, &b, "")
	}
	if p.Name != "" {
		return &Refusal{Kind: ErrPackage, Says: fmt.Sprintf("the stream is a package of snapshots (%s), which cannot all be called %s", whole, p.Name), Way: "Leave out --name: they keep their names."}
	}
	below, err := belowOf(whole, b.ToName())
	if err != nil {
		return err
	}
	at, err := p.place(ctx, below, &b)
	if err != nil {
		return err
	}
	switch {
	case at.volume == nil:
	case at.has[b.ToGUID()]:
		p.known++
	case b.Flags()&dmu.BeginClone != 0:
		return &Refusal{Kind: ErrBase, Says: fmt.Sprintf("%s begins with a clone, of the snapshot with GUID %d", b.ToName(), b.FromGUID()),
			Way: fmt.Sprintf("Send it by itself and in full first, to where it shall go: zfs send %s. What is here already is passed over the next time.", b.ToName())}
	default:
		at.has[b.ToGUID()] = true
		return p.receive(ctx, at.volume, &b, below)
	}
	return p.pass(ctx)
}

// belowOf is what the dataset of a snapshot has behind that of its package. Names come from
// whoever made the package: none leads anywhere but below.
func belowOf(whole, name string) (string, error) {
	top, _, _ := strings.Cut(whole, "@")
	dataset, _, _ := strings.Cut(name, "@")
	below, ok := strings.CutPrefix(dataset, top)
	if below == "" && ok {
		return "", nil
	}
	if below, ok = strings.CutPrefix(below, "/"); !ok {
		return "", fmt.Errorf("%w: %q is in a package of %q, and not below that", ErrStream, name, whole)
	}
	for part := range strings.SplitSeq(below, "/") {
		if part == "" || part == "." || part == ".." || strings.ContainsRune(part, 0) {
			return "", fmt.Errorf("%w: %q is no name of a dataset", ErrStream, name)
		}
	}
	return below, nil
}

// place finds where the snapshots of a dataset go; one without a volume is nowhere.
func (p *unpacker) place(ctx context.Context, below string, b *dmu.Begin) (*place, error) {
	if at := p.places[below]; at != nil {
		return at, nil
	}
	at := &place{has: map[uint64]bool{}}
	p.places[below] = at
	if b.Objset() != dmu.ObjsetZvol && !p.Files {
		dataset, _, _ := strings.Cut(b.ToName(), "@")
		p.out.Notes = append(p.out.Notes, fmt.Sprintf("%s is a %v, and was passed over.", dataset, b.Objset()))
		return at, nil
	}
	var err error
	if at.volume, err = p.Volume(below); err != nil {
		return nil, err
	}
	all, err := at.volume.Snapshots(ctx)
	if err != nil && !errors.Is(err, ErrNoVolume) {
		return nil, err
	}
	for _, s := range all {
		at.has[s.GUID] = at.has[s.GUID] || !s.Bookmark
	}
	return at, nil
}

// receive has a volume take the substream.
func (p *unpacker) receive(ctx context.Context, v Volume, b *dmu.Begin, below string) error {
	start, kind := time.Now(), Increment
	if b.FromGUID() == 0 {
		kind = Full
	}
	_, name, _ := strings.Cut(b.ToName(), "@")
	nth := len(p.out.Done) + 1
	in := &counter{in: p.in, tell: p.Progress, at: Progress{Step: Step{Kind: kind, To: Snapshot{Name: name, GUID: b.ToGUID()}}, Nth: nth, Of: nth}}
	got, err := v.Receive(ctx, in, p.Receive)
	if err != nil {
		return err
	}
	to := got.Name
	if below != "" {
		to = below + "@" + to
	}
	p.out.Done = append(p.out.Done, Done{Kind: kind, To: to, GUID: got.GUID, Bytes: in.at.Bytes, Took: time.Since(start)})
	return nil
}

// pass reads a substream that nobody takes.
func (p *unpacker) pass(ctx context.Context) error {
	buf := make([]byte, 64<<10)
	for ctx.Err() == nil {
		if _, err := p.in.Read(buf); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// note says what of the package has come to nothing.
func (p *unpacker) note() {
	if p.known > 0 {
		p.out.Notes = append(p.out.Notes, fmt.Sprintf("%d snapshots of the package were there already.", p.known))
	}
	if left := p.in.Properties(); len(left) > 0 {
		p.out.Notes = append(p.out.Notes, fmt.Sprintf("What the package has beside snapshots was left out: %s.", strings.Join(left, ", ")))
	}
}

// asStream is err, which taking a stream apart met, as one of this package.
func asStream(err error) error {
	var damage *dmu.Error
	if errors.As(err, &damage) && !errors.Is(err, ErrStream) {
		return fmt.Errorf("%w: %w", ErrStream, err)
	}
	return err
}

package zfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/dmu"
)

// received has zfs take all of a stream.
func received(args string) call { return call{args: args, takes: new(bytes.Buffer)} }

const nothing = "tank/v\treceive_resume_token\t-\ntank/v\tinconsistent\t0\n"

// tokenOf is what zfs get says of a dataset that has one.
func tokenOf(dataset, text string) string {
	return dataset + "\treceive_resume_token\t" + text + "\n" + dataset + "\tinconsistent\t1\n"
}

func TestReceiveFirst(t *testing.T) {
	full := generated(t, 7, 0, nil)
	taken := received("receive -s -u tank/v@s")
	v := volume(t,
		call{args: getToken, fails: missing},
		call{args: listAll, fails: missing}, call{args: "list -H -o name tank/v", fails: missing},
		taken,
		call{args: listing + " tank/v@s", says: "tank/v@s\t7\t1795375291\t19\t0\t1048576\t0\t-\n"},
	)
	s, err := v.Receive(t.Context(), bytes.NewReader(full), stream.Receive{})
	if err != nil || s.GUID != 7 || s.Name != "s" {
		t.Errorf("%+v, %v", s, err)
	}
	if !bytes.Equal(taken.takes.Bytes(), full) {
		t.Errorf("zfs was given %d bytes of %d", taken.takes.Len(), len(full))
	}
}

func TestReceiveMore(t *testing.T) {
	more := generated(t, 8, 7, nil)
	here := []call{{args: getToken, says: nothing, fails: missing}, {args: listAll, says: "tank/v@a\t7\t1795375291\t19\t0\t1048576\t0\t-\n"}}
	v := volume(t, append(here, received("receive -s -u -F tank/v@renamed"),
		call{args: listing + " tank/v@renamed", says: "tank/v@renamed\t8\t1795375291\t19\t0\t1048576\t0\t-\n"})...)
	if s, err := v.Receive(t.Context(), bytes.NewReader(more), stream.Receive{Name: "renamed", Rollback: true}); err != nil || s.GUID != 8 {
		t.Errorf("%+v, %v", s, err)
	}
	for said, want := range map[string]error{
		"cannot receive incremental stream: destination tank/v has been modified since most recent snapshot": stream.ErrChanged,
		"cannot receive incremental stream: permission denied":                                               stream.ErrForbidden,
		"cannot receive incremental stream: destination tank/v space quota exceeded.":                        stream.ErrSpace,
	} {
		v := volume(t, append(here, call{args: "receive -s -u tank/v@s", fails: said})...)
		if _, err := v.Receive(t.Context(), bytes.NewReader(more), stream.Receive{}); !errors.Is(err, want) {
			t.Errorf("%q is %v", said, err)
		}
	}
	other := volume(t, append(here, received("receive -s -u tank/v@s"), call{args: listing + " tank/v@s", says: "tank/v@s\t9\t1795375291\t19\t0\t1048576\t0\t-\n"})...)
	if s, err := other.Receive(t.Context(), bytes.NewReader(more), stream.Receive{}); err == nil {
		t.Errorf("another snapshot has come: %+v", s)
	}
}

// TestReceiveCut: zfs is given what is whole, and then nothing.
func TestReceiveCut(t *testing.T) {
	more := generated(t, 8, 7, nil)
	at := borders(t, more)
	here := []call{{args: getToken, says: nothing, fails: missing}, {args: listAll, says: "tank/v@a\t7\t1795375291\t19\t0\t1048576\t0\t-\n"}}
	taken := received("receive -s -u tank/v@s")
	taken.fails = "cannot receive incremental stream: checksum mismatch or incomplete stream. Partially received snapshot is saved."
	v := volume(t, append(here, taken)...)
	_, err := v.Receive(t.Context(), bytes.NewReader(more[:len(more)/2]), stream.Receive{})
	if !errors.Is(err, stream.ErrStream) || !errors.Is(err, dmu.ErrTruncated) {
		t.Error(err)
	}
	checkPrefix(t, more, taken.takes.Bytes(), at, len(more)/2)

	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	in, feed := io.Pipe()
	v = volume(t, append(here, call{args: "receive -s -u tank/v@s", does: func(ctx context.Context, in io.Reader, _ io.Writer) error {
		cancel(why)
		<-ctx.Done()
		return ctx.Err()
	}})...)
	go func() {
		_, err := feed.Write(more[:len(more)/2])
		<-ctx.Done()
		feed.CloseWithError(errors.Join(err, context.Cause(ctx)))
	}()
	if _, err := v.Receive(ctx, in, stream.Receive{}); !errors.Is(err, why) {
		t.Errorf("%v, want %v", err, why)
	}
}

// TestAdmit: which streams get as far as zfs.
func TestAdmit(t *testing.T) {
	const (
		a    = "tank/v@a\t7\t1795375291\t19\t0\t1048576\t0\t-\n"
		m    = "tank/v#m\t70\t1795375291\t19\t-\t-\t-\t-\n"
		b    = "tank/v@b\t17\t1795375291\t19\t0\t1048576\t0\t-\n"
		c    = "tank/v@c\t18\t1795375291\t19\t0\t1048576\t0\t-\n"
		held = "tank/v@b\t17\t1795375291\t19\t0\t1048576\t1\t-\n"
	)
	for _, test := range []struct {
		what     string
		has      string // "-": no volume
		to, from uint64
		how      stream.Receive
		want     error
	}{
		{"a full one to nothing", "-", 8, 0, stream.Receive{}, nil},
		{"a full one over snapshots", a, 8, 0, stream.Receive{}, stream.ErrBase},
		{"a full one over snapshots, with rollback", a, 8, 0, stream.Receive{Rollback: true}, stream.ErrBase},
		{"a full one over a volume", "", 8, 0, stream.Receive{}, stream.ErrBase},
		{"a full one over a volume, with rollback", "", 8, 0, stream.Receive{Rollback: true}, nil},
		{"an increment to nothing", "-", 8, 7, stream.Receive{}, stream.ErrNoVolume},
		{"an increment to a volume", "", 8, 7, stream.Receive{}, stream.ErrBase},
		{"an increment", a, 8, 7, stream.Receive{}, nil},
		{"an increment behind a bookmark", a + m, 8, 7, stream.Receive{}, nil},
		{"from what is a bookmark here", a + m, 8, 70, stream.Receive{}, stream.ErrBase},
		{"from what is not the newest", a + b, 8, 7, stream.Receive{}, stream.ErrBase},
		{"from what is not the newest, with rollback", a + b, 8, 7, stream.Receive{Rollback: true}, nil},
		{"over a held one", a + held, 8, 7, stream.Receive{Rollback: true}, stream.ErrHeld},
		{"from what is not here", a + b, 8, 6, stream.Receive{Rollback: true}, stream.ErrBase},
		{"the same again", a + b, 17, 7, stream.Receive{}, stream.ErrExists},
		{"a name that is taken", a, 8, 7, stream.Receive{Name: "a"}, stream.ErrExists},
		{"a name that is taken, with rollback", a, 8, 7, stream.Receive{Name: "a", Rollback: true}, stream.ErrExists},
		{"the name of one that goes", a + b, 8, 7, stream.Receive{Name: "b", Rollback: true}, nil},
		{"the name of one that stays", b + a, 8, 7, stream.Receive{Name: "b", Rollback: true}, stream.ErrExists},
		{"the name of one that stays, behind another", a + b + c, 8, 18, stream.Receive{Name: "b", Rollback: true}, stream.ErrExists},
		{"no name", a, 8, 7, stream.Receive{Name: "a,b"}, errName},
	} {
		t.Run(test.what, func(t *testing.T) {
			calls := []call{{args: getToken, says: nothing, fails: missing}, {args: listAll, says: test.has}}
			switch test.has {
			case "-":
				calls = []call{{args: getToken, fails: missing}, {args: listAll, fails: missing}, {args: "list -H -o name tank/v", fails: missing}}
			case "":
				calls = append(calls, call{args: "get -Hp -o value inconsistent tank/v", says: "0\n"})
			case a + held:
				calls = append(calls, call{args: "holds -H tank/v@b", says: "tank/v@b\tt\t-\n"})
			}
			name := "s"
			if test.how.Name != "" {
				name = test.how.Name
			}
			if test.want == nil {
				args := "receive -s -u tank/v@" + name
				if test.how.Rollback {
					args = "receive -s -u -F tank/v@" + name
				}
				calls = append(calls, received(args), call{args: listing + " tank/v@" + name, says: fmt.Sprintf("tank/v@%s\t%d\t1795375291\t19\t0\t0\t0\t-\n", name, test.to)})
			}
			v := volume(t, calls...)
			if _, err := v.Receive(t.Context(), bytes.NewReader(generated(t, test.to, test.from, nil)), test.how); !errors.Is(err, test.want) {
				t.Error(err)
			}
		})
	}
}

// TestReceiveRest: a stream goes on where zfs says that it stopped, and no other.
func TestReceiveRest(t *testing.T) {
	token := dmu.Token{Object: 1, Offset: 16 << 10, Bytes: 20_000, ToGUID: 8, FromGUID: 7, ToName: "far/away@s"}
	text, err := token.Encode()
	if err != nil {
		t.Fatal(err)
	}
	here := []call{{args: getToken, says: tokenOf("tank/v", text), fails: missing}, {args: listAll, says: "tank/v@a\t7\t1795375291\t19\t0\t1048576\t0\t-\n"}}
	v := volume(t, append(here, received("receive -s -u tank/v@s"), call{args: listing + " tank/v@s", says: "tank/v@s\t8\t1795375291\t19\t0\t0\t0\t-\n"})...)
	if _, err := v.Receive(t.Context(), bytes.NewReader(generated(t, 8, 7, &token)), stream.Receive{}); err != nil {
		t.Error(err)
	}
	elsewhere := token
	elsewhere.Offset = 32 << 10
	for what, p := range map[string][]byte{
		"another place":    generated(t, 8, 7, &elsewhere),
		"another snapshot": generated(t, 9, 7, &dmu.Token{Object: 1, Offset: token.Offset, Bytes: 1, ToGUID: 9, FromGUID: 7, ToName: "far/away@s"}),
	} {
		if _, err := volume(t, here...).Receive(t.Context(), bytes.NewReader(p), stream.Receive{}); !errors.Is(err, stream.ErrToken) {
			t.Errorf("%s: %v", what, err)
		}
	}
	none := []call{{args: getToken, says: nothing, fails: missing}, here[1]}
	if _, err := volume(t, none...).Receive(t.Context(), bytes.NewReader(generated(t, 8, 7, &token)), stream.Receive{}); !errors.Is(err, stream.ErrToken) {
		t.Error(err)
	}

	// A stream that begins anew takes the place of what is left.
	v = volume(t, append(here, call{args: "receive -A tank/v"},
		received("receive -s -u tank/v@s"), call{args: listing + " tank/v@s", says: "tank/v@s\t9\t1795375291\t19\t0\t0\t0\t-\n"})...)
	if _, err := v.Receive(t.Context(), bytes.NewReader(generated(t, 9, 7, nil)), stream.Receive{}); err != nil {
		t.Error(err)
	}
}

func TestPartial(t *testing.T) {
	text, err := (&dmu.Token{Object: 1, Offset: 16 << 10, Bytes: 20_000, ToGUID: 8, FromGUID: 7, ToName: "far/away@s"}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	v := volume(t,
		call{args: getToken, says: tokenOf("tank/v", text), fails: missing},
		call{args: getToken, says: nothing, fails: missing},
		call{args: getToken, fails: missing},
		call{args: getToken, says: tokenOf("tank/v", "1-2-3-4"), fails: missing},
		call{args: getToken, says: nothing, fails: missing}, // Abandon
	)
	p, err := v.Partial(t.Context())
	if want := (stream.Partial{GUID: 8, From: 7, Name: "far/away@s", Bytes: 20_000, Token: text}); err != nil || *p != want {
		t.Errorf("%+v, %v, want %+v", p, err, want)
	}
	for range 2 {
		if p, err := v.Partial(t.Context()); p != nil || err != nil {
			t.Errorf("%+v, %v", p, err)
		}
	}
	if p, err := v.Partial(t.Context()); !errors.Is(err, dmu.ErrToken) || !strings.Contains(err.Error(), "tank/v") {
		t.Errorf("%+v, %v", p, err)
	}
	if err := v.Abandon(t.Context()); err != nil {
		t.Error(err)
	}
}

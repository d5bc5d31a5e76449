package zfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/dmu/nvlist"
)

const guidsOf = "list -Hp -t snapshot,bookmark -o name,guid "

func TestSend(t *testing.T) {
	full, more := generated(t, 7, 0, nil), generated(t, 8, 7, nil)
	for _, test := range []struct {
		s     stream.Send
		asks  string
		says  string
		args  string
		wants []byte
	}{
		{stream.Send{Snapshot: "a"}, "tank/v@a", "tank/v@a\t7\n", "send tank/v@a", full},
		{stream.Send{Snapshot: "a", Compressed: true, Large: true, Embedded: true, Raw: true}, "tank/v@a", "tank/v@a\t7\n", "send -L -e -c -w tank/v@a", full},
		{stream.Send{Snapshot: "b", From: "a"}, "tank/v@b tank/v@a", "tank/v@a\t7\ntank/v@b\t8\n", "send -i tank/v@a tank/v@b", more},
		{stream.Send{Snapshot: "b", From: "#m"}, "tank/v@b tank/v#m", "tank/v#m\t7\ntank/v@b\t8\n", "send -i tank/v#m tank/v@b", more},
	} {
		v := volume(t, call{args: guidsOf + test.asks, says: test.says}, call{args: test.args, says: string(test.wants)})
		r, err := v.Send(t.Context(), test.s)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, test.wants) {
			t.Errorf("%+v: %d bytes of %d: %v", test.s, len(got), len(test.wants), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestSendFails: zfs says more than that its stream broke off.
func TestSendFails(t *testing.T) {
	full := generated(t, 7, 0, nil)
	known := call{args: guidsOf + "tank/v@a", says: "tank/v@a\t7\n"}
	v := volume(t, known, call{args: "send tank/v@a", says: string(full[:len(full)/2]), fails: "warning: cannot send 'tank/v@a': Input/output error"})
	r, err := v.Send(t.Context(), stream.Send{Snapshot: "a"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err == nil || !strings.Contains(err.Error(), "Input/output error") || !bytes.HasPrefix(full, got) {
		t.Errorf("after %d bytes: %v", len(got), err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	for said, want := range map[string]error{"warning: cannot send 'tank/v@a': permission denied": stream.ErrForbidden, "": stream.ErrStream} {
		v := volume(t, known, call{args: "send tank/v@a", fails: said})
		if _, err := v.Send(t.Context(), stream.Send{Snapshot: "a"}); !errors.Is(err, want) {
			t.Errorf("%q: %v", said, err)
		}
	}
	v = volume(t, known, call{args: "send tank/v@a", says: string(generated(t, 9, 0, nil))})
	if _, err := v.Send(t.Context(), stream.Send{Snapshot: "a"}); err == nil {
		t.Error("another snapshot's stream is taken")
	}
	v = volume(t, call{args: guidsOf + "tank/v@a tank/v@x", says: "tank/v@a\t7\n", fails: "cannot open 'tank/v@x': dataset does not exist"}, call{args: "list -H -o name tank/v"})
	if _, err := v.Send(t.Context(), stream.Send{Snapshot: "a", From: "x"}); !errors.Is(err, stream.ErrNoSnapshot) {
		t.Error(err)
	}
}

// TestSendClosed: zfs does not outlive who reads from it.
func TestSendClosed(t *testing.T) {
	full := generated(t, 7, 0, nil)
	ended := make(chan error, 1)
	v := volume(t, call{args: guidsOf + "tank/v@a", says: "tank/v@a\t7\n"}, call{args: "send tank/v@a",
		does: func(ctx context.Context, _ io.Reader, out io.Writer) error {
			_, err := out.Write(full[:len(full)/2])
			<-ctx.Done()
			ended <- err
			return ctx.Err()
		}})
	r, err := v.Send(t.Context(), stream.Send{Snapshot: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, make([]byte, 5000)); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil && !errors.Is(err, os.ErrClosed) {
		t.Log(err) // it was still writing
	}
}

// TestSendToken: a token says which dataset zfs sends from, and that is always this one.
func TestSendToken(t *testing.T) {
	token := dmu.Token{Object: 1, Offset: 16 << 10, Bytes: 20_000, ToGUID: 8, FromGUID: 7, ToName: "secret/else@b", Compressed: true}
	given, err := token.Encode()
	if err != nil {
		t.Fatal(err)
	}
	here := token
	here.ToName = "tank/v@theirs"
	made, err := here.Encode()
	if err != nil {
		t.Fatal(err)
	}
	rest := generated(t, 8, 7, &token)
	line := func(name string, guid int) string {
		return fmt.Sprintf("tank/v%s\t%d\t1795375291\t19\t0\t8388608\t0\t-\n", name, guid)
	}
	v := volume(t, call{args: listAll, says: line("#m", 7) + line("@theirs", 8) + line("@c", 9)}, call{args: "send -t " + made, says: string(rest)})
	r, err := v.Send(t.Context(), stream.Send{Token: given})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, rest) {
		t.Errorf("%d bytes of %d: %v", len(got), len(rest), err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	redacted := token
	redacted.Other = nvlist.New().Add(nvlist.Pair{Name: "redact_snaps", Type: nvlist.Uint64Array, Value: []uint64{1}})
	if given, err := redacted.Encode(); err != nil {
		t.Fatal(err)
	} else if _, err := volume(t).Send(t.Context(), stream.Send{Token: given}); !errors.Is(err, stream.ErrToken) {
		t.Errorf("of a redacted stream: %v", err)
	}
	for what, says := range map[string]string{
		"the snapshot has gone":             line("#m", 7) + line("@c", 9),
		"a bookmark of it is left":          line("#m", 7) + line("#theirs", 8),
		"what it goes on from is not there": line("@theirs", 8),
	} {
		if _, err := volume(t, call{args: listAll, says: says}).Send(t.Context(), stream.Send{Token: given}); !errors.Is(err, stream.ErrToken) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := volume(t).Send(t.Context(), stream.Send{Token: "1-2-3-4"}); !errors.Is(err, stream.ErrToken) {
		t.Error(err)
	}
}

func TestEstimate(t *testing.T) {
	for says, want := range map[string]int64{
		"full\ttank/v@a\t6768\nsize\t6768\n": 6768,
		"size\t18446744073709551000\n":       0, // below zero, to zfs
	} {
		v := volume(t, call{args: guidsOf + "tank/v@a", says: "tank/v@a\t7\n"}, call{args: "send -n -P -c tank/v@a", says: says})
		if got, err := v.Estimate(t.Context(), stream.Send{Snapshot: "a", Compressed: true}); got != want || err != nil {
			t.Errorf("%q is %d, %v, want %d", says, got, err, want)
		}
	}
	for _, says := range []string{"", "size\tx\n"} {
		v := volume(t, call{args: guidsOf + "tank/v@a", says: "tank/v@a\t7\n"}, call{args: "send -n -P tank/v@a", says: says})
		if got, err := v.Estimate(t.Context(), stream.Send{Snapshot: "a"}); err == nil {
			t.Errorf("%q is %d", says, got)
		}
	}
}

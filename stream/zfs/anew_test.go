package zfs

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/dmu"
)

const (
	newLeft  = "tank/v-lunar-new\treceive_resume_token\t-\ntank/v-lunar-new\tinconsistent\t0\n"
	oldLeft  = "tank/v-lunar-old\treceive_resume_token\t-\ntank/v-lunar-old\tinconsistent\t0\n"
	listNew  = listing + " -s createtxg -d 1 tank/v-lunar-new"
	listOld  = listing + " -s createtxg -d 1 tank/v-lunar-old"
	ofNew    = "get -Hp -o name,property,value receive_resume_token,inconsistent tank/v-lunar-new tank/v-lunar-new-lunar-new tank/v-lunar-new-lunar-old"
	ofLong   = "get -Hp -o name,property,value receive_resume_token,inconsistent NAME"
	noNew    = "cannot open 'tank/v-lunar-new': dataset does not exist"
	hasA     = "tank/v@a\t5\t1795375291\t19\t0\t1048576\t0\t-\n"
	newHas7  = "tank/v-lunar-new@s\t7\t1795375291\t19\t0\t0\t0\t-\n"
	oldHasA  = "tank/v-lunar-old@a\t5\t1795375291\t19\t0\t0\t0\t-\n"
	finalHas = "tank/v@s\t7\t1795375291\t19\t0\t0\t0\t-\n"
)

// succession is how what is whole takes the place of the volume.
var succession = []call{
	{args: "rename tank/v tank/v-lunar-old"}, {args: "rename tank/v-lunar-new tank/v"},
	{args: listOld, says: oldHasA}, {args: "destroy tank/v-lunar-old@a"}, {args: "destroy tank/v-lunar-old"},
	{args: listAll, says: finalHas},
}

// TestReceiveAnew receives beside the volume, and then instead of it.
func TestReceiveAnew(t *testing.T) {
	here := []call{{args: getToken, says: nothing, fails: missing}, {args: listAll, says: hasA}}
	token := dmu.Token{Object: 1, Offset: 16 << 10, Bytes: 20_000, ToGUID: 7, ToName: "far/away@s"}
	text, err := token.Encode()
	if err != nil {
		t.Fatal(err)
	}
	begun := call{args: getToken, says: nothing + tokenOf("tank/v-lunar-new", text), fails: missing}
	comes := []call{received("receive -s -u tank/v-lunar-new@s"), {args: listing + " tank/v-lunar-new@s", says: newHas7},
		{args: listAll, says: hasA}, {args: getToken, says: nothing + newLeft, fails: missing}}
	join := func(some ...[]call) (all []call) {
		for _, calls := range some {
			all = append(all, calls...)
		}
		return all
	}
	for what, c := range map[string]struct {
		stream []byte
		calls  []call
	}{
		"from the beginning": {generated(t, 7, 0, nil), join(here, []call{{args: ofNew, fails: noNew}, {args: listNew, fails: noNew}, {args: "list -H -o name tank/v-lunar-new", fails: noNew}},
			comes, succession)},
		"the rest": {generated(t, 7, 0, &token), join([]call{begun, {args: listAll, says: hasA}, {args: ofNew, says: tokenOf("tank/v-lunar-new", text), fails: missing},
			{args: listNew}, {args: "get -Hp -o value inconsistent tank/v-lunar-new", says: "1\n"}}, comes, succession)},
		"another": {generated(t, 7, 0, nil), join([]call{{args: getToken, says: nothing + newLeft, fails: missing}, {args: listAll, says: hasA},
			{args: listNew, says: strings.ReplaceAll(newHas7, "\t7\t", "\t6\t")}, {args: "destroy tank/v-lunar-new@s"}, {args: "destroy tank/v-lunar-new"},
			{args: ofNew, fails: noNew}, {args: listNew, fails: noNew}, {args: "list -H -o name tank/v-lunar-new", fails: noNew}}, comes, succession)},
		"nothing, where all has come": {nil, join([]call{{args: getToken, says: nothing + newLeft, fails: missing}, {args: listAll, says: hasA},
			{args: getToken, says: nothing + newLeft, fails: missing}}, succession)},
		"nothing, where the volume was renamed": {nil, join([]call{{args: getToken, says: newLeft + oldLeft, fails: missing}, {args: listAll, fails: missing}, {args: "list -H -o name tank/v", fails: missing},
			{args: getToken, says: newLeft + oldLeft, fails: missing}}, succession[1:])},
		"where there is no volume": {generated(t, 7, 0, nil), []call{{args: getToken, fails: missing}, {args: getToken, fails: missing},
			{args: listAll, fails: missing}, {args: "list -H -o name tank/v", fails: missing},
			received("receive -s -u tank/v@s"), {args: listing + " tank/v@s", says: finalHas}}},
	} {
		t.Run(what, func(t *testing.T) {
			s, err := volume(t, c.calls...).Receive(t.Context(), bytes.NewReader(c.stream), stream.Receive{Anew: true})
			if err != nil || s.GUID != 7 {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}

	cloned := strings.ReplaceAll(hasA, "-\n", "tank/v-clone-c\n")
	v := volume(t, here[0], call{args: listAll, says: cloned})
	if _, err := v.Receive(t.Context(), bytes.NewReader(generated(t, 7, 0, nil)), stream.Receive{Anew: true}); !errors.Is(err, stream.ErrCloned) {
		t.Error(err)
	}
	v = volume(t, call{args: getToken, says: nothing + newLeft, fails: missing}, call{args: listAll, says: cloned})
	if _, err := v.Receive(t.Context(), bytes.NewReader(nil), stream.Receive{Anew: true}); !errors.Is(err, stream.ErrCloned) {
		t.Error(err)
	}
	v = volume(t, here[0])
	if _, err := v.Receive(t.Context(), bytes.NewReader(nil), stream.Receive{Anew: true}); !errors.Is(err, stream.ErrStream) {
		t.Error(err)
	}
}

// TestPartialBeside tells of what was begun beside the volume, and gives it up.
func TestPartialBeside(t *testing.T) {
	text, err := (&dmu.Token{Object: 1, Offset: 16 << 10, Bytes: 20_000, ToGUID: 7, ToName: "far/away@s"}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	begun := nothing + tokenOf("tank/v-lunar-new", text)
	v := volume(t, call{args: getToken, says: begun, fails: missing},
		call{args: getToken, says: begun, fails: missing}, call{args: "receive -A tank/v-lunar-new"},
		call{args: getToken, says: nothing + newLeft, fails: missing}, call{args: listNew, says: newHas7},
		call{args: getToken, says: newLeft + oldLeft, fails: missing}, call{args: listNew, says: newHas7},
		call{args: "destroy tank/v-lunar-new@s"}, call{args: "destroy tank/v-lunar-new"}, call{args: "rename tank/v-lunar-old tank/v"},
	)
	ctx := t.Context()
	if p, err := v.Partial(ctx); err != nil || p == nil || p.GUID != 7 || p.From != 0 || p.Token != text {
		t.Errorf("%+v, %v", p, err)
	}
	if err := v.Abandon(ctx); err != nil {
		t.Error(err)
	}
	if p, err := v.Partial(ctx); err != nil || p == nil || *p != (stream.Partial{GUID: 7, Name: "tank/v-lunar-new@s"}) {
		t.Errorf("%+v, %v", p, err)
	}
	if err := v.Abandon(ctx); err != nil {
		t.Error(err)
	}
}

// TestPartialLong asks for nothing that zfs would call too long.
func TestPartialLong(t *testing.T) {
	name := "tank/" + strings.Repeat("v", 245)
	v, err := Open(name, script(t, call{args: strings.ReplaceAll(ofLong, "NAME", name), says: strings.ReplaceAll(nothing, "tank/v", name)}))
	if err != nil {
		t.Fatal(err)
	}
	if p, err := v.Partial(t.Context()); p != nil || err != nil {
		t.Errorf("%+v, %v", p, err)
	}
}

// TestReceiveCleans has what a volume took the place of go with the next stream, where a machine
// ended before.
func TestReceiveCleans(t *testing.T) {
	v := volume(t, call{args: getToken, says: nothing + oldLeft, fails: missing}, call{args: listAll, says: hasA},
		call{args: listOld, says: oldHasA}, call{args: "destroy tank/v-lunar-old@a"}, call{args: "destroy tank/v-lunar-old"},
		received("receive -s -u tank/v@s"), call{args: listing + " tank/v@s", says: finalHas})
	if _, err := v.Receive(t.Context(), bytes.NewReader(generated(t, 7, 5, nil)), stream.Receive{}); err != nil {
		t.Error(err)
	}
}

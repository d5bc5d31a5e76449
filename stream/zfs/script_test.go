package zfs

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/lunarsan/lunar/stream/dmu"
)

// A call is a zfs command that a test expects, and what it answers.
type call struct {
	args  string // with blanks between
	says  string // on standard output
	fails string // on standard error; empty: it succeeds
	takes *bytes.Buffer
	does  func(ctx context.Context, stdin io.Reader, stdout io.Writer) error
}

// script is a zfs that is given these commands, in this order, and no other.
func script(t *testing.T, calls ...call) Command {
	t.Helper()
	var mu sync.Mutex
	t.Cleanup(func() {
		for _, c := range calls {
			t.Errorf("zfs %s was not run", c.args)
		}
	})
	return func(ctx context.Context, stdin io.Reader, stdout io.Writer, args ...string) error {
		mu.Lock()
		got := strings.Join(args, " ")
		if len(calls) == 0 || calls[0].args != got {
			t.Errorf("zfs %s is run, want %+v", got, calls)
			mu.Unlock()
			return &Failure{Args: args, Status: 2, Said: "not in the script"}
		}
		c := calls[0]
		calls = calls[1:]
		mu.Unlock()
		if c.says != "" {
			if _, err := io.WriteString(stdout, c.says); err != nil {
				return err
			}
		}
		if c.takes != nil {
			if _, err := c.takes.ReadFrom(stdin); err != nil {
				return err
			}
		}
		if c.does != nil {
			if err := c.does(ctx, stdin, stdout); err != nil {
				return err
			}
		}
		if c.fails != "" {
			return &Failure{Args: args, Status: 1, Said: c.fails}
		}
		return nil
	}
}

const (
	listing  = "list -Hp -t snapshot,bookmark -o name,guid,creation,createtxg,used,volsize,userrefs,clones"
	listAll  = listing + " -s createtxg -d 1 tank/v"
	getToken = "get -Hp -o name,property,value receive_resume_token,inconsistent tank/v tank/v-lunar-new tank/v-lunar-old"
	missing  = "cannot open 'tank/v': dataset does not exist"
)

// volume is tank/v, whose node is nowhere.
func volume(t *testing.T, calls ...call) *Volume {
	t.Helper()
	v, err := Open("tank/v", script(t, calls...))
	if err != nil {
		t.Fatal(err)
	}
	v.folder = t.TempDir() + "/zvol/"
	return v
}

// bytesOf is a source for dmu.NewGenerator.
type bytesOf struct{ *bytes.Reader }

// generated is the stream of a volume of some blocks: full, or with a base where from is not 0.
func generated(t testing.TB, guid, from uint64, resume *dmu.Token) []byte {
	t.Helper()
	return generatedOf(t, 1<<20, dmu.GenerateOptions{Snapshot: dmu.Link{GUID: guid, From: from, Name: "far/away@s", BlockSize: 16 << 10}, Resume: resume})
}

// generatedOf is the stream of a volume of size bytes, more than half of which is data.
func generatedOf(t testing.TB, size int, o dmu.GenerateOptions) []byte {
	t.Helper()
	disk := make([]byte, size)
	for i := range disk[:size/5*3] {
		disk[i] = byte(i * (1 + i>>12) >> 3)
	}
	if o.Snapshot.From != 0 {
		o.Base, o.BaseSize = bytesOf{bytes.NewReader(make([]byte, len(disk)))}, uint64(len(disk))
	}
	var out bytes.Buffer
	if _, err := dmu.NewGenerator(bytesOf{bytes.NewReader(disk)}, o).Generate(context.Background(), &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

//go:build e2e

package peer

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A streamed is a volume whose streams OpenZFS receives and sends back.
type streamed struct {
	name     string
	generate []string // flags of the full stream, which the others take over
	each     []string // flags of all streams
	back     string   // flags of zfs send
	grain    int      // volumes are a multiple of it (bytes)
}

var streamedVolumes = []streamed{
	{"plain", nil, nil, "", 64 << 10},
	{"lz4", []string{"--block-size", "8K"}, []string{"--compress", "lz4"}, "-c", 64 << 10},
	{"zstd", []string{"--block-size", "128K"}, []string{"--compress", "zstd"}, "-c", 128 << 10},
	{"large", []string{"--block-size", "1M"}, nil, "-L", 1 << 20},
	{"large-lz4", []string{"--block-size", "256K"}, []string{"--compress", "lz4"}, "-Lec", 1 << 20},
	{"small", []string{"--block-size", "512"}, nil, "-e", 64 << 10},
	{"empty", nil, nil, "", 64 << 10},
}

// states are what a volume is at snapshots a, b, c, d and e: some of it, changed, grown, shrunk,
// and as it was.
func (v *streamed) states(random *rand.ChaCha8) [][]byte {
	size := 6 << 20
	if v.name == "small" {
		size = 1 << 20
	}
	a := make([]byte, size)
	if v.name != "empty" {
		for at := 0; at < size; at += v.grain * 3 {
			random.Read(a[at : at+v.grain/2]) // half of it compresses
			copy(a[at+v.grain/2:at+v.grain], bytes.Repeat([]byte("lunar "), v.grain))
		}
	}
	b := bytes.Clone(a)
	if v.name != "empty" {
		clear(b[:v.grain])
		random.Read(b[size/2 : size/2+5000])
	}
	c := append(bytes.Clone(b), make([]byte, 2<<20)...)
	if v.name != "empty" {
		random.Read(c[len(c)-4096:])
	}
	d := c[:size/2/v.grain*v.grain]
	return [][]byte{a, b, c, d, d}
}

// cutStreams are streams that are cut on their way, each volume's in turn, and how many bytes of
// the whole do not arrive: all but the first part of it, or from a place in the volume's data or
// its properties on.
var cutStreams = []struct {
	volume, snapshot string
	lost             int64 // 0: half of it
}{
	{"plain", "a", 0},
	{"plain", "b", 1900}, // behind the last block
	{"plain", "c", 400},  // behind the properties
	{"plain", "d", 1900},
	{"lz4", "a", 0},
	{"lz4", "b", 1900},
	{"large-lz4", "a", 0},
	{"empty", "a", 400},
}

// TestGuestStreams: OpenZFS receives streams of every kind that are generated, cut ones too when
// the rest follows, sends them back, and what it sends applies to the same bytes.
func TestGuestStreams(t *testing.T) {
	lunar := build(t)
	out, dir := t.TempDir(), t.TempDir()
	cli := func(args ...string) error {
		if text, err := exec.CommandContext(t.Context(), lunar, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("lunar %s: %w\n%s", strings.Join(args, " "), err, text)
		}
		return nil
	}
	random := rand.NewChaCha8([32]byte{1})
	var list strings.Builder
	volumes := map[string][][]byte{}
	for _, v := range streamedVolumes {
		volumes[v.name] = v.states(random)
		before := "-"
		for i, state := range volumes[v.name] {
			snapshot := string(rune('a' + i))
			store := filepath.Join(dir, v.name+"-"+snapshot)
			if err := os.WriteFile(store, state, 0o600); err != nil {
				t.Fatal(err)
			}
			args := append([]string{"stream", "generate", "--from", store, "--name", "other/pool@" + snapshot, "-o", filepath.Join(out, v.name+"-"+snapshot+".zs")}, v.each...)
			if i == 0 {
				args = append(args, v.generate...)
			} else {
				args = append(args, "--since", filepath.Join(dir, v.name+"-"+before))
			}
			if err := cli(args...); err != nil {
				t.Fatal(err)
			}
			options := v.back
			if options == "" {
				options = "none"
			}
			fmt.Fprintf(&list, "%s %s %s %d %x %s\n", v.name, snapshot, before, len(state), sha256.Sum256(state), options)
			before = snapshot
		}
	}
	if err := os.WriteFile(filepath.Join(out, "streams"), []byte(list.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var cuts strings.Builder
	for _, c := range cutStreams {
		info, err := os.Stat(filepath.Join(out, c.volume+"-"+c.snapshot+".zs"))
		if err != nil {
			t.Fatal(err)
		}
		came := info.Size() / 2
		if c.lost > 0 {
			came = info.Size() - c.lost
		}
		state := volumes[c.volume][c.snapshot[0]-'a']
		fmt.Fprintf(&cuts, "%s %s %d %x %d\n", c.volume, c.snapshot, len(state), sha256.Sum256(state), came)
	}
	if err := os.WriteFile(filepath.Join(out, "cuts"), []byte(cuts.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	last := string(rune('a' + len(volumes["plain"]) - 1))
	applied := func(v string) string { return filepath.Join(dir, v+"-back") }
	asks := map[string]func() error{
		"back": func() error {
			for _, v := range streamedVolumes {
				for i, state := range volumes[v.name] {
					name := filepath.Join(out, fmt.Sprintf("%s-%c.back", v.name, 'a'+i))
					if err := cli("stream", "apply", name, "--to", applied(v.name)); err != nil {
						return err
					}
					if got, err := os.ReadFile(applied(v.name)); err != nil || !bytes.Equal(got, state) {
						t.Errorf("%s: what came back has other bytes (%v)", name, err)
					}
				}
			}
			return nil
		},
		"failback": func() error {
			disk, here := applied("plain"), filepath.Join(dir, "here")
			if err := cli("stream", "apply", filepath.Join(out, "plain-ours.back"), "--to", disk); err != nil {
				return err
			}
			state, err := os.ReadFile(disk)
			if err != nil {
				return err
			}
			random.Read(state[100_000:300_000])
			clear(state[1<<20 : 2<<20])
			if err := os.WriteFile(here, state, 0o600); err != nil {
				return err
			}
			if err := cli("stream", "generate", "--from", here, "--since", disk, "--name", "@theirs", "-o", filepath.Join(out, "failback.zs")); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(out, "failback"), fmt.Appendf(nil, "%d %x\n", len(state), sha256.Sum256(state)), 0o600)
		},
	}
	for _, c := range cutStreams {
		name := c.volume + "-" + c.snapshot
		asks["rest-"+name] = func() error {
			token, err := os.ReadFile(filepath.Join(out, "token"))
			if err != nil {
				return err
			}
			args := []string{"stream", "generate", "--from", filepath.Join(dir, name), "--token", strings.TrimSpace(string(token)), "-o", filepath.Join(out, name+".rest")}
			if c.snapshot > "a" {
				args = append(args, "--since", filepath.Join(dir, c.volume+"-"+string(c.snapshot[0]-1)))
			}
			for _, v := range streamedVolumes {
				if v.name == c.volume {
					args = append(args, v.each...)
				}
			}
			return cli(args...)
		}
	}
	results, err := guestOf(t, "build-zfs").Run(t.Context(), out, "streams.sh", map[string]string{"LAST": last}, asks)
	report(t, results, err)
}

package backup

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// FuzzManifest reads manifests that say anything, and looks where they say that heartbeats are.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"format":1,"volume":{"uuid":"a","version":5,"heartbeats":[[0,20971520,1048576]],"heartbeat_step":512},
		"members":[{"device":"d","device_size":67108864,"start":1048576,"size":66060288,"uuid":"b"}],
		"parts":[{"name":"lvm/0","group":"lvm","file":"x","size":1,"ranges":[[0,0,1]]},{"name":"list","group":"list","file":"x","size":1}]}`), "")
	f.Add([]byte(`{"format":1,"volume":{"heartbeat_step":512,"heartbeats":[[0,1,2]]},"parts":[{"name":"list","file":"../x","size":-1,"ranges":[[7,-1,1]]}]}`), "0123  x\n")
	disk := &vmfstest.Disk{Size: 64 << 20}
	f.Fuzz(func(t *testing.T, manifest []byte, sums string) {
		all := newTally()
		_, _ = all.Write(manifest)
		b, err := parse(fmt.Appendf([]byte(sums), "%s  %s\n", all.sum(), manifestName), manifest)
		if err != nil {
			return
		}
		for _, p := range b.Parts {
			if !filepath.IsLocal(p.File) || p.Ranges != nil && sum(p.Ranges) != p.Size || p.Size < 0 {
				t.Errorf("part %+v", p)
			}
		}
		var list []Target
		for range min(len(b.Members), 3) {
			list = append(list, targets(disk)...)
		}
		r := &Restore{backup: b}
		if r.place(list) == nil {
			_ = r.hosts(t.Context(), 1)
		}
	})
}

// FuzzList reads lists that say anything. What can be read is written as it was read.
func FuzzList(f *testing.F) {
	f.Add([]byte(`{"path":"/a","fd":4,"generation":1,"type":"file","mode":"-rw","size":5,"blocks":1,"modified":"2026-11-22T00:00:00Z","changed":"2026-11-22T00:00:00Z","map":[[0,5,0,1048576,"data"]]}`))
	f.Add([]byte(`{"map":[[0,5,0,-1,"data"]]}`))
	f.Add([]byte(`{"map":[[0,5,0]]} {"map":[[0,5,0,1,"data",7]]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for x, err := range decodeList(bytes.NewReader(text)) {
			if err != nil {
				return
			}
			a, err := json.Marshal(x)
			if err != nil {
				return // a time that JSON does not have
			}
			for y, err := range decodeList(bytes.NewReader(a)) {
				if b, e := json.Marshal(y); err != nil || e != nil || !bytes.Equal(a, b) {
					t.Errorf("%s, then %s, %v, %v", a, b, err, e)
				}
			}
		}
	})
}

// TestOpenNothing opens folders that have no backup.
func TestOpenNothing(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); err == nil {
		t.Error("an empty folder is a backup")
	}
	if err := os.Mkdir(filepath.Join(dir, "2026-11-22.0"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil {
		t.Error("an empty folder is a volume's newest backup")
	}
	if _, failed, err := Find(dir); err != nil || len(failed) != 1 {
		t.Errorf("%v, %v", failed, err)
	}
}

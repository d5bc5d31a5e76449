package dmu_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"time"

	"github.com/lunarsan/lunar/stream/dmu"
)

// A volume in memory.
type volume struct{ *bytes.Reader }

// Making a full stream of a volume, and one of what changed since.
func ExampleGenerator() {
	disk := make([]byte, 1<<20)
	copy(disk, "some data")
	a := dmu.Link{GUID: 1, Name: "tank/vol@a", Created: time.Unix(1_700_000_000, 0), BlockSize: 16 << 10}
	var full bytes.Buffer
	made, err := dmu.NewGenerator(volume{bytes.NewReader(disk)}, dmu.GenerateOptions{Snapshot: a}).Generate(context.Background(), &full)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(made.Name, made.Written, made.Freed)

	before := bytes.Clone(disk)
	copy(disk[500_000:], "more data")
	b := dmu.Link{GUID: 2, From: a.GUID, Name: "tank/vol@b", Created: time.Unix(1_700_000_600, 0), BlockSize: a.BlockSize}
	var changed bytes.Buffer
	made, err = dmu.NewGenerator(volume{bytes.NewReader(disk)}, dmu.GenerateOptions{
		Snapshot: b,
		Base:     volume{bytes.NewReader(before)},
		BaseSize: uint64(len(before)),
		Compress: dmu.CompressionLZ4,
	}).Generate(context.Background(), &changed)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(made.Name, made.Written, made.Freed)
	// Output:
	// tank/vol@a 16384 1032192
	// tank/vol@b 16384 0
}

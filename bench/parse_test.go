package bench

import (
	"testing"
	"time"
)

func TestQemuImgParse(t *testing.T) {
	for out, want := range map[string]time.Duration{
		"Sending 1000 read requests, 4096 bytes each\nRun completed in 0.250 seconds.\n": 250 * time.Millisecond,
		"Run completed in 0.000 seconds.\n":                                              0,
		"qemu-img: no such target\n":                                                     0,
		"":                                                                               0,
	} {
		got, err := qemuImgParse(out)
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: %v, %v; want %v", out, got, err, want)
		}
	}
}

func TestPerfParse(t *testing.T) {
	for out, want := range map[string]int64{
		"iops average 10 (1 MB/s)   \riops average 71234 (278 MB/s)   \nfinished.\n": 71234,
		"finished.\n": 0,
	} {
		got, err := perfParse(out)
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: %v, %v; want %v", out, got, err, want)
		}
	}
}

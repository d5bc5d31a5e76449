package iscsi

import "testing"

func TestWindow(t *testing.T) {
	for _, first := range []SN{0, 1, 0x7fffffff, 0xffffffff, 0xfffffffe} {
		var w window
		w.start(first, 4)
		judge := func(sn SN, want verdict) {
			t.Helper()
			if got := w.judge(sn); got != want {
				t.Errorf("from %#x: judge(first%+d) = %d, want %d", first, int32(sn-first), got, want)
			}
		}
		judge(first-1, ignore)
		judge(first, deliver)
		judge(first+1, early)
		judge(first+3, early)
		judge(first+4, ignore)
		judge(first+1<<31, ignore)

		for range 4 {
			w.advance()
		}
		judge(first+3, ignore)
		judge(first+4, ignore)
		if got := w.advertise(false); got != first+3 {
			t.Errorf("nothing ended and MaxCmdSN is first%+d", int32(got-first))
		}
		if w.shut() {
			t.Error("shut without a credit to give")
		}

		w.end()
		w.end()
		if got := w.advertise(true); got != first+3 {
			t.Errorf("memory is short and MaxCmdSN moved to first%+d", int32(got-first))
		}
		if !w.shut() {
			t.Error("two credits wait, none is open, and the window is not shut")
		}
		judge(first+4, ignore)
		if got := w.advertise(false); got != first+5 {
			t.Errorf("MaxCmdSN is first%+d, want first+5", int32(got-first))
		}
		if w.shut() {
			t.Error("shut with all credits advertised")
		}
		judge(first+4, deliver)
		judge(first+5, early)
		if w.live() != 2 {
			t.Errorf("live = %d, want 2", w.live())
		}
	}
}

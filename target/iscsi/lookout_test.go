package iscsi

import "testing"

func away() *conn { return &conn{loan: loan{relief: make(chan struct{}, 1)}} }

func TestLookout(t *testing.T) {
	l := &lookout{looking: true} // the test looks
	a, b, c := away(), away(), away()
	relieved := func(c *conn) bool { return len(c.loan.relief) == 1 }

	for _, x := range []*conn{a, b, c} {
		if !l.lend(x) {
			t.Fatal("a receiver may not leave")
		}
	}
	if l.relieve(0); relieved(a) || relieved(b) || relieved(c) {
		t.Error("relieved at the first look")
	}
	if !l.end(b) {
		t.Error("b is not the receiver, though nobody relieved it")
	}
	if idle := l.relieve(0); idle != 0 || !relieved(a) || relieved(b) || !relieved(c) {
		t.Errorf("at the second look: a %t, b %t, c %t, idle %d", relieved(a), relieved(b), relieved(c), idle)
	}
	<-a.loan.relief // somebody has taken over
	if l.lend(a) {
		t.Error("the new receiver of a leaves while the old one is away")
	}
	if l.end(a) {
		t.Error("a's old receiver goes on, beside the new one")
	}
	if !l.end(c) || relieved(c) {
		t.Error("nobody receives for c: its receiver is back before somebody has taken over")
	}
	if !l.lend(a) || !l.end(a) {
		t.Error("a's new receiver may not leave, or not come back")
	}
	idle := 0
	for l.looking {
		if idle++; l.relieve(idle-1) != idle {
			t.Fatalf("after %d looks that found nobody: not idle", idle)
		}
	}
	if idle != lookoutIdle {
		t.Errorf("it sleeps after %d idle looks, want %d", idle, lookoutIdle)
	}
}

package iscsi

import "testing"

func TestSN(t *testing.T) {
	for _, c := range []struct {
		a, b SN
		less bool
	}{
		{0, 0, false},
		{0, 1, true},
		{1, 0, false},
		{0xffffffff, 0, true},
		{0, 0xffffffff, false},
		{0xfffffff0, 0x10, true},
		{0, 0x7fffffff, true},
	} {
		if got := c.a.Less(c.b); got != c.less {
			t.Errorf("%d.Less(%d) = %v", c.a, c.b, got)
		}
	}
	for _, c := range []struct {
		n, first, last SN
		in             bool
	}{
		{5, 5, 5, true},
		{4, 5, 9, false},
		{10, 5, 9, false},
		{0, 0xfffffffe, 3, true},
		{0xfffffffd, 0xfffffffe, 3, false},
		{4, 0xfffffffe, 3, false},
		{5, 5, 4, false}, // a closed window: MaxCmdSN is ExpCmdSN-1
		{4, 5, 4, false},
	} {
		if got := c.n.In(c.first, c.last); got != c.in {
			t.Errorf("%d.In(%d, %d) = %v", c.n, c.first, c.last, got)
		}
	}
}

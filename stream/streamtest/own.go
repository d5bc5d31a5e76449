package streamtest

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Own has all goroutines that begin here be those of t, and those that begin in them. Test looks for
// such as are left over; what it is to work with may be made before it.
func Own(t *testing.T) {
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels(owner, t.Name())))
}

// owner is the label of goroutines.
const owner = "streamtest"

// owned is how many goroutines there are of t.
func owned(t *testing.T) (n int) {
	t.Helper()
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		t.Fatal(err)
	}
	// Each stack is "N @ addresses", and then the labels of the N goroutines that have it.
	label, same := fmt.Sprintf("# labels: {%q:%q}", owner, t.Name()), 0
	for line := range strings.Lines(profile.String()) {
		if count, _, ok := strings.Cut(line, " @ "); ok && line[0] != '#' {
			same, _ = strconv.Atoi(count)
		} else if strings.HasPrefix(line, label) {
			n += same
		}
	}
	return n
}

// gone waits for the goroutines of a test to end.
func gone(t *testing.T, before int) {
	t.Helper()
	for wait := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		n := owned(t)
		if n <= before {
			return
		}
		if time.Now().After(wait) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, and there were %d before:\n%s", n, before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

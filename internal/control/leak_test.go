package control

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails when goroutines of a daemon are left after all tests.
func TestMain(m *testing.M) {
	if dir := os.Getenv(victimDir); dir != "" {
		os.Exit(victim(dir))
	}
	flag.Parse()
	if !isSet("test.parallel") { // the tests that say so wait most of their time
		_ = flag.Set("test.parallel", "8")
	}
	code := m.Run()
	for wait := time.Now().Add(5 * time.Second); code == 0; time.Sleep(10 * time.Millisecond) {
		left := daemons()
		if left == "" {
			break
		}
		if time.Now().After(wait) {
			fmt.Println("goroutines are left:\n" + left)
			code = 1
		}
	}
	os.Exit(code)
}

func isSet(name string) (set bool) {
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

// daemons returns the stacks of goroutines that run a daemon's code.
func daemons() string {
	b := make([]byte, 1<<20)
	var left []string
	for _, stack := range strings.Split(string(b[:runtime.Stack(b, true)]), "\n\n") {
		if strings.Contains(stack, "control.(*Daemon)") || strings.Contains(stack, "iscsi.(*") {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}

package control

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestBoltInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := must(openBolt(dir))(t)
	if _, err := openBolt(dir); !errors.Is(err, ErrStateInUse) {
		t.Errorf("error %v, want %v", err, ErrStateInUse)
	} else {
		wantProblem(t, err, dir, "--state")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = must(openBolt(dir))(t)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestBoltNoDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := openBolt(filepath.Join(file, "state"))
	wantProblem(t, err, file, "--state")
}

// TestBoltDamaged spoils a state in many ways: each is an error that names the file, or hits
// nothing that counts; none ends the process.
func TestBoltDamaged(t *testing.T) {
	whole := func() []byte {
		dir := t.TempDir()
		s := must(openBolt(dir))(t)
		for i := range 100 {
			if err := s.Update(func(tx Tx) error { return tx.Put(fmt.Sprintf("key/%d", i), make([]byte, 300)) }); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, boltFile))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}()
	const page = 4096
	tests := map[string]func([]byte) []byte{
		"another file":  func([]byte) []byte { return []byte("this is no state\n") },
		"cut in half":   func(b []byte) []byte { return b[:len(b)/2] },
		"no meta pages": func(b []byte) []byte { clear(b[:2*page]); return b },
	}
	for n := range 4 {
		tests[fmt.Sprintf("cut to %d pages", n+1)] = func(b []byte) []byte { return b[:(n+1)*page] }
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, boltFile)
			if err := os.WriteFile(path, spoil(slices.Clone(whole)), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := openBolt(dir)
			if err == nil {
				s.Close()
				t.Fatal("a damaged state opened")
			}
			if !errors.Is(err, ErrStateDamaged) {
				t.Errorf("error %v, want %v", err, ErrStateDamaged)
			}
			wantProblem(t, err, path, "backup")
		})
	}
	t.Run("a page of zeros", func(t *testing.T) {
		noticed := 0
		for off := 0; off < len(whole); off += page {
			dir := t.TempDir()
			spoilt := slices.Clone(whole)
			clear(spoilt[off : off+page])
			if err := os.WriteFile(filepath.Join(dir, boltFile), spoilt, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := openBolt(dir)
			switch {
			case err == nil: // it was free, or the other meta page serves
				s.Close()
			case errors.Is(err, ErrStateDamaged):
				noticed++
			default:
				t.Errorf("page %d: error %v, want %v", off/page, err, ErrStateDamaged)
			}
		}
		if noticed < 5 {
			t.Errorf("%d of %d pages were missed", noticed, len(whole)/page)
		}
	})
}

// crashVariable tells the test's own program to change the state until it is killed.
const crashVariable = "LUNAR_TEST_CRASH_STATE"

// TestBoltCrash kills a process at random moments while it changes two keys together: after
// each, both are old or both are new, and an answered change is there.
func TestBoltCrash(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(crashVariable); dir != "" {
		changeUntilKilled(dir)
	}
	if testing.Short() {
		t.Skip("starts and kills 15 processes")
	}
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(3, 4))
	for round := range 15 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestBoltCrash$")
		cmd.Env = append(os.Environ(), crashVariable+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		answers := bufio.NewScanner(out)
		answers.Scan() // it has begun
		go func() {
			time.Sleep(time.Duration(random.IntN(30)) * time.Millisecond) // the moment of the crash
			cmd.Process.Kill()
		}()
		answered := answers.Text()
		for answers.Scan() {
			answered = answers.Text()
		}
		cmd.Wait()

		s, err := openBolt(dir)
		if err != nil {
			t.Fatalf("round %d: the state does not open after a crash: %v", round, err)
		}
		s.View(func(tx Tx) error {
			a, b := string(tx.Get("a")), string(tx.Get("b"))
			if a != b {
				t.Errorf("round %d: half a change: %.20q and %.20q", round, a, b)
			}
			if strings.TrimRight(a, "x") < answered {
				t.Errorf("round %d: answered %q, kept %.20q", round, answered, a)
			}
			return nil
		})
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// changeUntilKilled answers each change on standard output when it is saved.
func changeUntilKilled(dir string) {
	s, err := openBolt(dir)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	n := 0
	s.View(func(tx Tx) error {
		fmt.Sscanf(string(tx.Get("a")), "%d", &n)
		return nil
	})
	for {
		n++
		number := fmt.Sprintf("%09d", n)
		value := []byte(number + strings.Repeat("x", n%7000))
		if err := s.Update(func(tx Tx) error { return errors.Join(tx.Put("a", value), tx.Put("b", value)) }); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(number)
	}
}

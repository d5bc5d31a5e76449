package iscsi

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestSpinnerRests checks that a connection on which nothing comes in time hardly spins.
func TestSpinnerRests(t *testing.T) {
	s := spinner{turns: &turns{company: 1}}
	spins := 0
	for range 100_000 {
		if s.begin() {
			spins++
			s.habit.learn(false)
		}
	}
	if most := 100_000/(1<<mostMisses) + 2*mostMisses; spins == 0 || spins > most {
		t.Errorf("%d spins in 100,000 waits for nothing, want 1 to %d", spins, most)
	}
}

// TestSpinnerRisesToLoad checks that one spin that is worth it ends the rest.
func TestSpinnerRisesToLoad(t *testing.T) {
	s := spinner{turns: &turns{company: 1}}
	for range 5_000 {
		if s.begin() {
			s.habit.learn(false)
		}
	}
	waits := 0
	for !s.begin() {
		waits++
	}
	s.habit.learn(true)
	if waits > 1<<mostMisses {
		t.Errorf("%d waits passed without a spin", waits)
	}
	for i := range 100 {
		if !s.begin() {
			t.Fatalf("wait %d after a hit did not spin", i)
		}
		s.habit.learn(true)
	}
}

// TestSpinnersInCompany checks that no more receivers spin than there are processors to
// spare: with one, it is the only one that is served.
func TestSpinnersInCompany(t *testing.T) {
	for company := range uint64(4) {
		for busy := uint64(1); busy < 6; busy++ {
			all := &turns{company: company}
			spinners := make([]spinner, busy)
			for i := range spinners {
				spinners[i].turns = all
				spinners[i].begin() // so that all are known to be there
			}
			for i := range spinners {
				if began, want := spinners[i].begin(), busy <= company; began != want {
					t.Errorf("%d of %d at work, with %d processors to spare: spins %v, want %v", i+1, busy, company, began, want)
				}
			}
		}
	}
}

// TestSpinnerEnds checks that spinning ends by itself, and at once where somebody else needs
// the processor.
func TestSpinnerEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := spinner{turns: &turns{company: 1}}
		s.begin()
		spun := time.Duration(0)
		for s.on() {
			time.Sleep(time.Microsecond)
			spun += time.Microsecond
		}
		if spun != spinTime {
			t.Errorf("spun for %v, want %v", spun, spinTime)
		}
		s.habit.learn(true)
		s.begin()
		time.Sleep(stolen + time.Nanosecond)
		if s.on() {
			t.Error("goes on although the processor was away")
		}
	})
}

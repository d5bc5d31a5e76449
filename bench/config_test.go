package bench

import "testing"

func TestValidate(t *testing.T) {
	if err := Default(".").validate(); err != nil {
		t.Errorf("the default: %v", err)
	}
	for name, change := range map[string]func(*Config){
		"no round":   func(c *Config) { c.Rounds = 0 },
		"no time":    func(c *Config) { c.Time = 0 },
		"small file": func(c *Config) { c.Size = 1 << 20 },
		"no load":    func(c *Config) { c.Set.Loads = nil },
	} {
		c := Default(".")
		change(&c)
		if c.validate() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// Every set has loads that its clients can make, none of them twice.
func TestSets(t *testing.T) {
	for _, s := range Sets() {
		if found, err := FindSet(s.Name); err != nil || found.Name != s.Name {
			t.Errorf("%s is found as %q: %v", s.Name, found.Name, err)
		}
		seen := map[Load]bool{}
		for _, l := range s.Loads {
			switch {
			case seen[l]:
				t.Errorf("%s has %s by %s twice", s.Name, l, l.Client)
			case l.Client == QemuImg && (l.Pattern > Write || l.Digests != NoDigests || l.Units > 0 || l.Storm != Calm),
				l.Client == ISCSIPerf && (l.Pattern != Read || l.Digests != NoDigests || l.Units > 0 || l.Sessions > 1 || l.Medium != Memory || l.Storm != Calm):
				t.Errorf("%s: %s cannot make %s", s.Name, l.Client, l)
			case l.Block%512 != 0 || l.Pattern != Ping && l.Block == 0 || l.Pattern != Idle && l.InFlight() == 0:
				t.Errorf("%s: %+v is no load", s.Name, l)
			}
			seen[l] = true
		}
		for _, a := range s.Axes {
			for i, l := range a.Loads {
				if !seen[l] || i > 0 && a.Of(l) <= a.Of(a.Loads[i-1]) {
					t.Errorf("%s, axis %s: %s is not measured, or out of order", s.Name, a.Name, l)
				}
			}
		}
	}
	if _, err := FindSet("huge"); err == nil {
		t.Error("a set that is none is found")
	}
}

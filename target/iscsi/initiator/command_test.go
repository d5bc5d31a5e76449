package initiator

import "testing"

// A command that takes longer than a thousand others keeps its place.
func TestTagsOfSlowCommands(t *testing.T) {
	c := NewConn(nil, Options{})
	var slow, quick Command
	c.Number(&slow)
	for range 3 * running {
		c.Number(&quick)
		if quick.ITT%running == slow.ITT%running {
			t.Fatalf("tag %d takes the place of tag %d, which is in flight", quick.ITT, slow.ITT)
		}
		c.finish(&quick)
	}
	if c.find(slow.ITT) != &slow {
		t.Error("the slow command is lost")
	}
}

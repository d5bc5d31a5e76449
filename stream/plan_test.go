package stream

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// side makes what a volume has of words: a name, whose GUID is 100 and its letter's place, a
// bookmark as "#name=letter", holds as "name!tag", clones as "name/clone".
func side(name, words string) Side {
	s := Side{Name: name, There: words != "-"}
	for word := range strings.FieldsSeq(strings.Trim(words, "-")) {
		word, clone, cloned := strings.Cut(word, "/")
		word, tag, held := strings.Cut(word, "!")
		called, letter, renamed := strings.Cut(word, "=")
		snapshot := Snapshot{Name: called}
		if !renamed {
			letter = called
		}
		snapshot.Name, snapshot.Bookmark = strings.CutPrefix(called, "#")
		snapshot.GUID = 100 + uint64(letter[len(letter)-1]-'a')
		if held {
			snapshot.Holds = []string{tag}
		}
		if cloned {
			snapshot.Clones = []string{clone}
		}
		s.Snapshots = append(s.Snapshots, snapshot)
	}
	return s
}

// steps writes a plan in words.
func steps(p *Plan) string {
	var words []string
	for _, s := range p.Steps {
		word := fmt.Sprintf("%s %s", s.Kind, s.To.Name)
		if s.From != nil {
			word += " since " + s.Send.From
		}
		if s.Receive.Rollback {
			word += " over"
		}
		if s.Receive.Anew {
			word += " anew"
		}
		if s.Send.Token != "" {
			word += " by " + s.Send.Token
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

func TestPlan(t *testing.T) {
	part := func(guid, from uint64) *Partial {
		return &Partial{GUID: guid, From: from, Name: "tank/vm1@part", Bytes: 7, Token: "1-token"}
	}
	for _, c := range []struct {
		name                string
		source, destination string
		part                *Partial
		want                Want
		plan                string
		refused             string // what the error has
	}{
		{name: "first run", source: "a b c", destination: "-", plan: "full c"},
		{name: "first run with each", source: "a b c", destination: "-", want: Want{Every: true}, plan: "full c"},
		{name: "first run with history", source: "a b c", destination: "-", want: Want{Every: true, History: true},
			plan: "full a, increment b since a, increment c since b"},
		{name: "newest alone", source: "a b c", destination: "a", plan: "increment c since a"},
		{name: "each", source: "a b c d", destination: "a b", want: Want{Every: true}, plan: "increment c since b, increment d since c"},
		{name: "up to one", source: "a b c d", destination: "a", want: Want{Every: true, Until: "c"}, plan: "increment b since a, increment c since b"},
		{name: "nothing to send", source: "a b", destination: "a b", plan: ""},
		{name: "arrived beyond", source: "a b c", destination: "a c", want: Want{Until: "b"}, plan: ""},
		{name: "other names, same GUIDs", source: "x=a y=b", destination: "a", plan: "increment y since x"},
		{name: "same names, other GUIDs", source: "s=b", destination: "s=a", refused: "no snapshot in common"},
		{name: "from a bookmark", source: "#m=a b c", destination: "a", plan: "increment c since #m"},
		{name: "each from a bookmark", source: "#m=a b c", destination: "a", want: Want{Every: true}, plan: "increment b since #m, increment c since b"},
		{name: "a snapshot rather than its bookmark", source: "a #m=a b", destination: "a", plan: "increment b since a"},
		{name: "bookmarks are not sent", source: "a #m=a b #n=b c #o=c", destination: "a", want: Want{Every: true}, plan: "increment b since a, increment c since b"},
		{name: "the destination's bookmarks are no snapshots", source: "a b", destination: "#m=a", refused: "without any snapshot"},
		{name: "pruned on both sides", source: "b d e", destination: "a b d", plan: "increment e since d"},

		{name: "newer at the destination", source: "a b c", destination: "a b x", refused: "replica has x (GUID 123), which tank/vm1 does not have; the newest that both have is b (GUID 101)|--rollback gives up x (GUID 123) at the destination, and goes on from b (GUID 101)."},
		{name: "newer, given up", source: "a b c", destination: "a b x", want: Want{Rollback: true}, plan: "increment c since b over"},
		{name: "newer, and ours held", source: "a b c", destination: "a b x!lunar:job", want: Want{Rollback: true, Job: "job"}, plan: "increment c since b over"},
		{name: "newer, and held", source: "a b c", destination: "a b x!mine", want: Want{Rollback: true, Job: "job"}, refused: "x (GUID 123) of replica, which is held by mine|let go of it first, at the destination: zfs release \"mine\" DATASET@x."},
		{name: "newer, and held by another job", source: "a b c", destination: "a b x!lunar:far", want: Want{Rollback: true, Job: "job"}, refused: "held by lunar:far|let go of it first: lunar job delete far."},
		{name: "newer, and cloned", source: "a b c", destination: "a b x/test", want: Want{Rollback: true}, refused: "which has the clones test|End the clones first"},
		{name: "newer, but nothing to send", source: "a b", destination: "a b x", plan: ""},
		{name: "rollback where there is no need", source: "a b", destination: "a", want: Want{Rollback: true}, plan: "increment b since a over"},

		{name: "nothing in common", source: "c d", destination: "a b", refused: "the newest are d (GUID 103), and b (GUID 101)|--reseed sends everything, and gives up a (GUID 100), b (GUID 101) at the destination when that has come."},
		{name: "rollback does not help", source: "c d", destination: "a b", want: Want{Rollback: true}, refused: "no snapshot in common|--reseed"},
		{name: "again", source: "c d", destination: "a b", want: Want{Reseed: Beside}, plan: "full d anew"},
		{name: "again, with history", source: "c d", destination: "a b", want: Want{Reseed: Beside, Every: true, History: true}, plan: "full c anew, increment d since c"},
		{name: "again, without room for both", source: "c d", destination: "a b", want: Want{Reseed: Discard}, plan: "destroy a, destroy b, full d over"},
		{name: "again, but held", source: "c d", destination: "a!mine b", want: Want{Reseed: Beside}, refused: "held by mine"},
		{name: "again, but cloned", source: "c d", destination: "a b/test", want: Want{Reseed: Anyway}, refused: "has the clones test"},
		{name: "again where there is no need", source: "a b", destination: "a", want: Want{Reseed: Beside}, plan: "increment b since a"},
		{name: "room where there is no need", source: "a b", destination: "a", want: Want{Reseed: Discard}, plan: "increment b since a"},
		{name: "again all the same", source: "a b", destination: "a b", want: Want{Reseed: Anyway}, plan: "full b anew"},
		{name: "a volume without snapshots", source: "a", destination: "", refused: "without any snapshot|--reseed sends everything, and gives up what it has"},
		{name: "a volume without snapshots, given up", source: "a", destination: "", want: Want{Reseed: Beside}, plan: "full a anew"},

		{name: "cut", source: "a b c", destination: "a", part: part(101, 100), plan: "resume b since a by 1-token, increment c since b"},
		{name: "cut in the last", source: "a b", destination: "a", part: part(101, 100), plan: "resume b since a by 1-token"},
		{name: "cut in a full one", source: "a b c", destination: "-", part: part(101, 0), plan: "resume b by 1-token, increment c since b"},
		{name: "cut beside", source: "b c", destination: "a", part: part(101, 0), plan: "resume b anew by 1-token, increment c since b"},
		{name: "cut beside a volume without snapshots", source: "a b", destination: "", part: part(101, 0), plan: "resume b anew by 1-token"},
		{name: "cut beside what goes on", source: "a b", destination: "a", part: part(101, 0), plan: "resume b anew by 1-token"},
		{name: "cut beside what goes on, and given up", source: "a b", destination: "a", part: part(101, 0), want: Want{Rollback: true}, plan: "abandon tank/vm1@part, increment b since a over"},
		{name: "cut beside, and gone", source: "c", destination: "a", part: part(101, 0), refused: "no snapshot in common|--reseed"},
		{name: "cut beside, and gone, again", source: "c", destination: "a", part: part(101, 0), want: Want{Reseed: Beside}, plan: "abandon tank/vm1@part, full c anew"},
		{name: "cut beside, and held meanwhile", source: "b", destination: "a!mine", part: part(101, 0), refused: "held by mine"},
		{name: "cut beside, and no room", source: "b", destination: "a", part: part(101, 0), want: Want{Reseed: Discard}, plan: "abandon tank/vm1@part, destroy a, full b over"},
		{name: "whole beside", source: "b c", destination: "a", part: &Partial{GUID: 101, Name: "tank/vm1@part"}, plan: "resume b anew, increment c since b"},
		{name: "whole beside, and nothing else", source: "b", destination: "-", part: &Partial{GUID: 101, Name: "tank/vm1@part"}, plan: "resume b anew"},
		{name: "cut, from a bookmark", source: "#m=a b", destination: "a", part: part(101, 100), plan: "resume b since #m by 1-token"},
		{name: "cut, and the snapshot is gone", source: "a c", destination: "a", part: part(101, 100), plan: "abandon tank/vm1@part, increment c since a"},
		{name: "cut in a full one that is gone", source: "c", destination: "-", part: part(101, 0), plan: "abandon tank/vm1@part, full c"},
		{name: "cut, and only its bookmark is there", source: "a #m=b c", destination: "a", part: part(101, 100), plan: "abandon tank/vm1@part, increment c since a"},
		{name: "cut, and not from what both have", source: "a b c", destination: "a", part: part(102, 101), plan: "abandon tank/vm1@part, increment c since a"},
		{name: "cut beyond what is wanted", source: "a b c", destination: "a", part: part(102, 100), want: Want{Until: "b"}, plan: "abandon tank/vm1@part, increment b since a"},
		{name: "cut, and given up", source: "a b c", destination: "a x", part: part(101, 100), want: Want{Rollback: true}, plan: "abandon tank/vm1@part, increment c since a over"},
		{name: "cut, and nothing in common", source: "c", destination: "a", part: part(101, 100), want: Want{Reseed: Beside}, plan: "abandon tank/vm1@part, full c anew"},

		{name: "nothing there", source: "", destination: "-", refused: "tank/vm1 has no snapshot yet|Take one"},
		{name: "only a bookmark there", source: "#m=a", destination: "-", refused: "no snapshot yet"},
		{name: "no such snapshot", source: "a", destination: "-", want: Want{Until: "b"}, refused: "no snapshot b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, d := side("tank/vm1", c.source), side("replica", c.destination)
			d.Partial = c.part
			p, err := NewPlan(s, d, c.want)
			if c.refused != "" {
				var r *Refusal
				if !errors.As(err, &r) || r.Kind == nil || !errors.Is(err, r.Kind) {
					t.Fatalf("%v, want a refusal: %s", err, c.refused)
				}
				says, way, _ := strings.Cut(c.refused, "|")
				if !strings.Contains(r.Says, says) || !strings.Contains(r.Way, way) {
					t.Errorf("%s\n%s\nwant %s\n%s", r.Says, r.Way, says, way)
				}
				if r.Flag != "" && !strings.HasPrefix(r.Way, r.Flag) {
					t.Errorf("the way is %s, and the flag %s", r.Way, r.Flag)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := steps(p); got != c.plan {
				t.Errorf("%s\nwant %s", got, c.plan)
			}
		})
	}
}

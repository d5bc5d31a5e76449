package control

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// What comes of an alarm.
const (
	AlarmRaised = "raised"
	AlarmStill  = "still" // told again
	AlarmOver   = "over"
	AlarmTest   = "test"
)

// An Alarm is something that an operator should look at.
type Alarm struct {
	State string    `json:"state"` // AlarmRaised, ...
	Text  string    `json:"text"`
	Since time.Time `json:"since,omitzero"`
}

const (
	alarmPause  = time.Minute     // from one look to the next
	alarmSettle = 5 * time.Second // what goes sooner than that is not told
	alarmRepeat = 24 * time.Hour  // what stays is told again
)

// maxUntold is how many alarms are kept for a way that fails; the oldest go.
const maxUntold = 200

// An alarmBoard remembers which alarms there are, and which were told in which way.
type alarmBoard struct {
	look chan struct{} // holds one token: look now

	mu     sync.Mutex
	raised map[string]*raisedAlarm // by key
	ways   map[string]*alarmOutcome
}

// A raisedAlarm is an alarm that was seen.
type raisedAlarm struct {
	text  string
	since time.Time
	told  time.Time // zero: not yet
	gone  time.Time // when it was first not there; zero: it is
}

// An alarmOutcome is what came of telling in one way.
type alarmOutcome struct {
	telling []Alarm // being told now
	untold  []Alarm
	told    time.Time
	trouble string
}

func newAlarmBoard() *alarmBoard {
	return &alarmBoard{look: make(chan struct{}, 1), raised: map[string]*raisedAlarm{}, ways: map[string]*alarmOutcome{}}
}

// number matches words that say how much or when, not which: an alarm is the same when they change.
var number = regexp.MustCompile(`^[0-9]+([.,][0-9]+)*([a-zµA-Z%/]+|[0-9]+|\.)*$`)

// date matches a time, with what stands behind it.
var date = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z?[,;:.]?$`)

// longNumber is how long a word is that names something: a GUID.
const longNumber = 16

// alarmKey is what of an alarm's text says which one it is.
func alarmKey(text string) string {
	words := strings.Fields(text)
	for i, w := range words {
		if bare := strings.Trim(w, "(),;:"); date.MatchString(w) || len(bare) < longNumber && number.MatchString(bare) && strings.Count(bare, ".") < 3 {
			words[i] = "#"
		}
	}
	return strings.Join(words, " ")
}

// update takes note of the alarms that there are, and returns what is to be told now, and how soon
// there may be more.
func (b *alarmBoard) update(now time.Time, texts []string) (tell []Alarm, again time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	again = alarmPause
	there := map[string]bool{}
	for _, text := range texts {
		key := alarmKey(text)
		if there[key] {
			continue
		}
		there[key] = true
		r := b.raised[key]
		if r == nil {
			r = &raisedAlarm{since: now}
			b.raised[key] = r
		}
		r.text, r.gone = text, time.Time{}
		switch {
		case r.told.IsZero() && now.Sub(r.since) < alarmSettle:
			again = alarmSettle
		case r.told.IsZero():
			r.told = now
			tell = append(tell, Alarm{AlarmRaised, text, r.since.UTC()})
		case now.Sub(r.told) >= alarmRepeat:
			r.told = now
			tell = append(tell, Alarm{AlarmStill, text, r.since.UTC()})
		}
	}
	for key, r := range b.raised {
		switch {
		case there[key]:
		case r.told.IsZero():
			delete(b.raised, key)
		case r.gone.IsZero():
			r.gone, again = now, alarmSettle
		case now.Sub(r.gone) < alarmSettle:
			again = alarmSettle
		default:
			delete(b.raised, key)
			tell = append(tell, Alarm{AlarmOver, r.text, r.since.UTC()})
		}
	}
	slices.SortStableFunc(tell, func(a, b Alarm) int { return strings.Compare(a.Text, b.Text) })
	return tell, again
}

// since is when each alarm was first seen, by key.
func (b *alarmBoard) since() map[string]time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	since := make(map[string]time.Time, len(b.raised))
	for key, r := range b.raised {
		since[key] = r.since
	}
	return since
}

// way is what came of telling in a way. b.mu is held.
func (b *alarmBoard) way(way string) *alarmOutcome {
	o := b.ways[way]
	if o == nil {
		o = &alarmOutcome{}
		b.ways[way] = o
	}
	return o
}

// outcome is when something was last told in a way, and why not after that.
func (b *alarmBoard) outcome(way string) (told time.Time, trouble string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.way(way)
	return o.told, o.trouble
}

// forget forgets a way.
func (b *alarmBoard) forget(way string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.ways, way)
}

// take adds alarms to those that a way has to tell, and returns all of them; nothing while the ones
// before are being told, or when there is nothing.
func (b *alarmBoard) take(way string, more []Alarm) []Alarm {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.way(way)
	o.keep(more)
	if o.telling != nil || len(o.untold) == 0 {
		return nil
	}
	o.telling, o.untold = o.untold, nil
	return o.telling
}

// keep keeps alarms to be told.
func (o *alarmOutcome) keep(more []Alarm) {
	o.untold = slices.Concat(o.untold, more)
	o.untold = o.untold[max(0, len(o.untold)-maxUntold):]
}

// done takes note of what came of telling what was taken; it returns whether that is news.
func (b *alarmBoard) done(way string, now time.Time, err error) (news bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.way(way)
	told, later := o.telling, o.untold
	o.telling = nil
	if err != nil {
		o.untold = told
		o.keep(later)
		news = o.trouble == ""
		o.trouble = oneLine(err)
		return news
	}
	o.told, o.trouble = now.UTC(), ""
	return true
}

// lookForAlarms has alarms looked for now: something may have gone wrong. It never waits.
func (d *Daemon) lookForAlarms() {
	select {
	case d.alarms.look <- struct{}{}:
	default:
	}
}

// watchAlarms tells of alarms when they come, as long as they stay, and when they are over.
func (d *Daemon) watchAlarms() {
	pause := alarmSettle // units come online first
	for {
		timer := time.NewTimer(pause)
		select {
		case <-d.background.Done():
			timer.Stop()
			return
		case <-d.alarms.look:
		case <-timer.C:
		}
		timer.Stop()
		pause = alarmPause
		s, err := d.Status(d.background)
		if err != nil {
			d.log.Error("alarms could not be looked for", "reason", err)
			continue
		}
		var tell []Alarm
		tell, pause = d.alarms.update(time.Now(), s.Alarms)
		d.tellAll(tell)
	}
}

// tellAll tells alarms in every way, and what could not be told before. Each takes the time that it
// takes, and holds up nobody.
func (d *Daemon) tellAll(more []Alarm) {
	records, err := alarmKind.list(d.state)
	if err != nil {
		d.log.Error("nobody could be told of alarms", "reason", err)
		return
	}
	for _, r := range records {
		list := d.alarms.take(r.Way, more)
		if list == nil {
			continue
		}
		d.running.Go(func() {
			err := d.tell(d.background, r, list)
			news := d.alarms.done(r.Way, time.Now(), err)
			switch {
			case err != nil && news:
				d.log.Error("alarms could not be told; that is tried again", "way", r.Way, "alarms", len(list), "reason", err)
			case err == nil:
				d.log.Info("told of alarms", "way", r.Way, "alarms", len(list))
			}
		})
	}
}

package control

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Bounds of the history; the oldest changes are forgotten first.
const (
	maxHistory      = 200      // changes
	maxHistoryBytes = 16 << 20 // of all of them
)

// A historyRecord is a change of the configuration: what the records were before, as they were
// saved, secrets sealed. The newest of them and the state give back what was, and so on down.
type historyRecord struct {
	Number uint64        `json:"number"`
	Time   time.Time     `json:"time"`
	Who    string        `json:"who"`
	Keys   []historyItem `json:"keys"`
}

// A historyItem is a record that changed.
type historyItem struct {
	Key    string          `json:"key"`
	Before json.RawMessage `json:"before,omitempty"` // nil: there was none
	Gone   bool            `json:"gone,omitempty"`   // there is none after
}

const historyKind kind[historyRecord] = "history/"

// historyKey is the name of a change, in the order of numbers.
func historyKey(n uint64) string { return fmt.Sprintf("%020d", n) }

// changeNumber is the number of the change that is kept as key; without a key, 0.
func changeNumber(key string) (uint64, error) {
	if key == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(key, string(historyKind)), 10, 64)
	if err != nil {
		return 0, damagedRecord(key, err)
	}
	return n, nil
}

// nouns are what a configuration is made of, by the prefixes of its records.
var nouns = map[string]string{
	string(unitKind):        "unit",
	string(groupKind):       "portal group",
	string(accessKind):      "target port group",
	string(targetKind):      "target",
	string(initiatorKind):   "initiator",
	string(hostGroupKind):   "host group",
	string(targetGroupKind): "target group",
	string(discoveryKind):   "discovery",
	string(isnsKind):        "isns",
	string(radiusKind):      "radius",
	string(alarmKind):       "alarm",
	string(peerKind):        "peer",
	string(jobKind):         "job",
}

// nounOf is what the record key is of, and its name; empty: it is no configuration.
func nounOf(key string) (noun, name string) {
	prefix, name, _ := strings.Cut(key, "/")
	return nouns[prefix+"/"], name
}

// onlyOne reports whether there is one of a noun, whose name says nothing.
func onlyOne(noun string) bool { return noun == "discovery" || noun == "isns" || noun == "radius" }

// A journal is a State that keeps a history of the configuration: each transaction that changes it
// saves what was before along with the change.
type journal struct {
	State
	now    func() time.Time       // stands in for the clock in tests
	author atomic.Pointer[string] // of the change that is under way; nil: the daemon itself
}

func (j *journal) Update(f func(Tx) error) error {
	return j.State.Update(func(tx Tx) error {
		noted := &journalTx{Tx: tx, before: make(map[string][]byte)}
		if err := f(noted); err != nil {
			return err
		}
		return j.note(tx, noted.before)
	})
}

// A journalTx remembers what the configuration was before it is changed.
type journalTx struct {
	Tx
	before map[string][]byte // by key; nil: there was no record
}

func (t *journalTx) Put(key string, value []byte) error {
	t.remember(key)
	return t.Tx.Put(key, value)
}

func (t *journalTx) Delete(key string) error {
	t.remember(key)
	return t.Tx.Delete(key)
}

func (t *journalTx) remember(key string) {
	if _, there := t.before[key]; there {
		return
	}
	if noun, _ := nounOf(key); noun != "" {
		t.before[key] = bytes.Clone(t.Get(key))
	}
}

// note saves a change to the history, if there is one, and forgets what is too old.
func (j *journal) note(tx Tx, before map[string][]byte) error {
	r := historyRecord{Time: j.now().UTC().Truncate(time.Second), Who: "lunar"}
	if who := j.author.Load(); who != nil {
		r.Who = *who
	}
	for key, was := range before {
		is := tx.Get(key)
		if !bytes.Equal(was, is) {
			r.Keys = append(r.Keys, historyItem{Key: key, Before: was, Gone: is == nil})
		}
	}
	if len(r.Keys) == 0 {
		return nil
	}
	slices.SortFunc(r.Keys, func(a, b historyItem) int { return strings.Compare(a.Key, b.Key) })
	type kept struct {
		key  string
		size int
	}
	var all []kept
	size := 0
	for key, value := range tx.Scan(string(historyKind)) {
		all = append(all, kept{key, len(value)})
		size += len(value)
	}
	if len(all) > 0 {
		last, err := changeNumber(all[len(all)-1].key)
		if err != nil {
			return err
		}
		r.Number = last
	}
	r.Number++
	for len(all) > 0 && (len(all) >= maxHistory || size > maxHistoryBytes) {
		if err := tx.Delete(all[0].key); err != nil {
			return err
		}
		size -= all[0].size
		all = all[1:]
	}
	return historyKind.put(tx, historyKey(r.Number), r)
}

// changes tells what r did, a line a record.
func (r *historyRecord) changes() []string {
	lines := make([]string, 0, len(r.Keys))
	for _, k := range r.Keys {
		noun, name := nounOf(k.Key)
		action := ConfigChange
		switch {
		case k.Before == nil:
			action = ConfigCreate
		case k.Gone:
			action = ConfigRemove
		}
		if onlyOne(noun) {
			name = ""
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s", action, noun, strings.TrimLeft(name, "0"))))
	}
	return lines
}

package control

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// ConfigHistory returns the changes of the configuration, the newest first.
func (d *Daemon) ConfigHistory(context.Context) ([]ConfigChanged, error) {
	records, err := historyKind.list(d.state)
	if err != nil {
		return nil, err
	}
	changes := make([]ConfigChanged, 0, len(records))
	for _, r := range slices.Backward(records) {
		changes = append(changes, ConfigChanged{r.Number, r.Time, r.Who, r.changes()})
	}
	return changes, nil
}

// lastChange is the number of the last change of the configuration; 0: there was none.
func (d *Daemon) lastChange() (n uint64, err error) {
	err = d.state.View(func(tx Tx) error {
		last := ""
		for key := range tx.Scan(string(historyKind)) {
			last = key
		}
		n, err = changeNumber(last)
		return err
	})
	return n, err
}

// RollbackConfig makes the configuration what it was after the change of a number: a change as any
// other, which can be rolled back too.
func (d *Daemon) RollbackConfig(ctx context.Context, number string, r ConfigRollback) (ConfigPlan, error) {
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return ConfigPlan{}, refuse(fmt.Sprintf("%q is no number of a change", number), "lunar config history shows the changes.")
	}
	return d.reconfigure(ctx, ConfigApply{Force: r.Force, DryRun: r.DryRun, Base: r.Base}, func(current configuration) (configuration, []string, error) {
		past, err := d.past(n)
		if err != nil {
			return past, nil, err
		}
		notes, err := past.restore(current)
		return past, notes, err
	})
}

// past reads the configuration as it was after change n.
func (d *Daemon) past(n uint64) (c configuration, err error) {
	err = d.state.View(func(tx Tx) error {
		records, err := historyKind.byName(tx)
		if err != nil {
			return err
		}
		_, there := records[historyKey(n)]
		_, next := records[historyKey(n+1)]
		if !there && !next {
			return missing(fmt.Sprintf("the history has no change %d", n), "lunar config history shows the changes.")
		}
		was := pastTx{Tx: tx, before: make(map[string][]byte)}
		for _, name := range slices.Backward(slices.Sorted(maps.Keys(records))) {
			if name == historyKey(n) || records[name].Number < n {
				break
			}
			for _, k := range records[name].Keys {
				was.before[k.Key] = k.Before
			}
		}
		c, err = readConfiguration(sealedTx{was, d.vault})
		return err
	})
	return c, err
}

// A pastTx shows records as they were.
type pastTx struct {
	Tx
	before map[string][]byte // by key; nil: there was no record
}

func (t pastTx) Get(key string) []byte {
	if value, changed := t.before[key]; changed {
		return value
	}
	return t.Tx.Get(key)
}

func (t pastTx) Scan(prefix string) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		records := maps.Collect(t.Tx.Scan(prefix))
		for key, value := range t.before {
			if !strings.HasPrefix(key, prefix) {
				continue
			}
			if records[key] = value; value == nil {
				delete(records, key)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(records)) {
			if !yield(key, records[key]) {
				return
			}
		}
	}
}

// restore makes c, which was read from the past, fit for today: what is no configuration stays as it
// is in current, and so does what a change of configuration must not touch.
func (c *configuration) restore(current configuration) (notes []string, err error) {
	c.ports = current.ports
	for name, r := range current.access {
		if _, there := c.access[name]; !there {
			c.access[name] = r
		}
	}
	for name, r := range c.units {
		if r.LUN != nil {
			r.Views, r.LUN = []viewRecord{{LUN: *r.LUN}}, nil // as migrateUnits does
		}
		if now, there := current.units[name]; there {
			if r.Size != now.Size {
				notes = append(notes, fmt.Sprintf("unit %s keeps its %d bytes, where it had %d: lunar lu resize changes that", name, now.Size, r.Size))
			}
			r.Size, r.Fault, r.OwnStore, r.Clone = now.Size, now.Fault, now.OwnStore, now.Clone
			if err := keepsStore(&now, &r); err != nil {
				return nil, fmt.Errorf("unit %s: %w", name, err)
			}
		} else {
			r.Fault = ""
		}
		c.units[name] = r
	}
	slices.SortFunc(notes, cmp.Compare[string])
	return notes, nil
}

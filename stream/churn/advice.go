package churn

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// An Advice is how changes can be made less.
type Advice struct {
	Share float64 `json:"share"` // of all that was written, from 0 to 1
	Owner
	Text string `json:"text"`
}

// counsels are what helps against changes of a kind, once they are so much of all. %[1]s is the
// machine with the preposition, or nothing; %[2]s the share.
var counsels = [kinds]struct {
	from   float64
	advice string
}{
	Swap:     {0.05, "the swap file%[1]s made %[2]s of the changes: put it on a store that is not replicated, or reserve the machine's memory"},
	Memory:   {0.05, "saved memory%[1]s made %[2]s of the changes: take snapshots in vSphere without memory"},
	Delta:    {0.05, "a snapshot in vSphere%[1]s is written to, %[2]s of the changes; they are written once more when it is deleted: delete it soon, or now"},
	Log:      {0.05, "the logs%[1]s made %[2]s of the changes: see what fills them"},
	Tracking: {0.05, "changed block tracking%[1]s made %[2]s of the changes: switch it off if no backup uses it"},
	Temp:     {0.05, "temporary files%[1]s made %[2]s of the changes: put them on a store that is not replicated"},
	Host:     {0.05, "files of hosts and vCenter%[1]s made %[2]s of the changes: choose another datastore for heartbeats, logs and dumps"},
	Free:     {0.10, "space that no file has any more%[1]s made %[2]s of the changes: files come and go between the snapshots; have what makes them use a store that is not replicated"},
	Disk:     {0.25, "the virtual disk%[1]s made %[2]s of the changes: only the guest knows of what; give its page file, temporary files and dumps a disk of their own, on a store that is not replicated"},
}

// mostAdvice is how many pieces of advice are given.
const mostAdvice = 5

// advice says how changes can be made less, what helps most first.
func (t *Tally) advice(all int64) []Advice {
	written := map[Owner]int64{}
	for at, row := range t.rows {
		o := Owner{Datastore: at.Datastore, Machine: at.Machine, Kind: at.Kind}
		if at.Kind == Disk {
			o.Disk = at.Disk
		}
		written[o] += row.sums.written
	}
	var list []Advice
	for o, n := range written {
		c := counsels[o.Kind]
		share := float64(n) / float64(max(all, 1))
		if c.advice == "" || share < c.from {
			continue
		}
		text := fmt.Sprintf(c.advice, of(o), fmt.Sprintf("%.0f%%", math.Round(100*share)))
		list = append(list, Advice{share, o, strings.ToUpper(text[:1]) + text[1:] + "."})
	}
	slices.SortFunc(list, func(a, b Advice) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), strings.Compare(a.Text, b.Text))
	})
	return list[:min(len(list), mostAdvice)]
}

// of says whose something is.
func of(o Owner) string {
	switch {
	case o.Disk != "":
		return " " + o.Disk
	case o.Machine != "":
		return " of " + o.Machine
	case o.Datastore != "":
		return " on " + o.Datastore
	}
	return ""
}

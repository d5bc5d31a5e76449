package control

import (
	"errors"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
)

// A restart must not be a power on to initiators: what their units knew of them in memory is
// saved at the end of a drain and taken over at the next start. It is used up there, so that a
// daemon that did not end in order leaves nothing behind, and initiators hear of a power on.

// A carryRecord is what a unit's device server leaves to the next one.
type carryRecord struct {
	GUID            sbd.GUID        `json:"guid"`
	Nexuses         []carriedRecord `json:"nexuses,omitempty"`
	DescriptorSense bool            `json:"descriptor_sense,omitempty"`
	TaskAborted     bool            `json:"task_aborted,omitempty"`
	WriteProtect    bool            `json:"write_protect,omitempty"`
	WriteCache      bool            `json:"write_cache,omitempty"`

	Reservations scsi.Reservations `json:"reservations,omitzero"`
}

// A carriedRecord is a nexus, by its ports, and what it has still to hear.
type carriedRecord struct {
	Initiator  string       `json:"initiator"`
	Target     string       `json:"target"`
	Attentions []scsi.Sense `json:"attentions,omitempty"`
}

const carryKind kind[carryRecord] = "carry/"

func carryRecordOf(guid sbd.GUID, c scsi.Carried) carryRecord {
	r := carryRecord{
		GUID:            guid,
		DescriptorSense: c.DescriptorSense,
		TaskAborted:     c.TaskAborted,
		WriteProtect:    c.WriteProtect,
		WriteCache:      c.WriteCache,
		Reservations:    c.Reservations,
	}
	for _, n := range c.Nexuses {
		r.Nexuses = append(r.Nexuses, carriedRecord{n.InitiatorPort, n.TargetPort, n.Attentions})
	}
	return r
}

func (r carryRecord) carried() scsi.Carried {
	c := scsi.Carried{
		DescriptorSense: r.DescriptorSense,
		TaskAborted:     r.TaskAborted,
		WriteProtect:    r.WriteProtect,
		WriteCache:      r.WriteCache,
		Reservations:    r.Reservations,
	}
	for _, n := range r.Nexuses {
		c.Nexuses = append(c.Nexuses, scsi.CarriedNexus{InitiatorPort: n.Initiator, TargetPort: n.Target, Attentions: n.Attentions})
	}
	return c
}

// loadCarried takes over what the last daemon has left, once it is used up. A record that cannot be
// read, or a disk that is full, is no reason not to serve.
func (d *Daemon) loadCarried() error {
	var records []carryRecord
	var keys []string
	if err := d.state.View(func(tx Tx) error {
		for key, value := range tx.Scan(string(carryKind)) {
			keys = append(keys, key)
			r, err := carryKind.decode(key, value)
			if err != nil {
				d.log.Warn("what the last daemon left cannot be read; initiators will hear of a power on", "reason", err)
				continue
			}
			records = append(records, r)
		}
		return nil
	}); err != nil || len(keys) == 0 {
		return err
	}
	useUp := func() error {
		return d.state.Update(func(tx Tx) error {
			var problems []error
			for _, key := range keys {
				problems = append(problems, tx.Delete(key))
			}
			return errors.Join(problems...)
		})
	}
	if err := useUp(); err != nil {
		d.log.Warn("what the last daemon left cannot be used up; initiators will hear of a power on", "reason", err)
		d.running.Go(func() { retry(d.background, d.opts.wait, useUp) }) // nor may the next daemon take it over
		return nil
	}
	for _, r := range records {
		if u := d.units[r.GUID]; u != nil {
			if err := u.lu.Resume(r.carried()); err != nil {
				d.log.Warn("the last daemon left what cannot be", "unit", r.GUID, "reason", err)
			}
		}
	}
	return nil
}

// saveCarried leaves what the units know to the next daemon. Nobody is logged in any more, or
// what they still do does not matter.
func (d *Daemon) saveCarried() error {
	return d.state.Update(func(tx Tx) error {
		for guid, u := range d.units {
			if err := carryKind.put(tx, guid.String(), carryRecordOf(guid, u.lu.Carry())); err != nil {
				return err
			}
		}
		return nil
	})
}

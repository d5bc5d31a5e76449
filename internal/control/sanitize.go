package control

import (
	"errors"
	"fmt"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
)

// A sanitizeRecord is a sanitize operation that an initiator asked for and that has not ended well
// yet: the next daemon goes on with it, since until then nobody may see what was on the unit. It is
// kept beside the unit's record because it changes while the unit is served.
type sanitizeRecord struct {
	GUID sbd.GUID `json:"guid"`
	scsi.Sanitize
}

// saveSanitize keeps what u is to be sanitized with; nil: it is done.
func (d *Daemon) saveSanitize(u *unit, s *scsi.Sanitize) error {
	d.mu.RLock()
	guid := u.record.GUID
	d.mu.RUnlock()
	err := d.state.Update(func(tx Tx) error {
		if s == nil {
			return sanitizeKind.delete(tx, guid.String())
		}
		return sanitizeKind.put(tx, guid.String(), sanitizeRecord{guid, *s})
	})
	switch {
	case err != nil:
		d.log.Error("what a unit is sanitized with could not be saved", "unit", guid, "reason", err)
	case s == nil:
		d.log.Warn("a unit is sanitized", "unit", guid)
	case s.Failed:
		d.log.Error("sanitizing a unit failed: it answers errors until that is repeated", "unit", guid)
	default:
		d.log.Warn("an initiator has a unit sanitized: all data on it go", "unit", guid)
	}
	return err
}

// restoreSanitize has u go on with what an earlier daemon did not end, once its store is there.
func (d *Daemon) restoreSanitize(u *unit) error {
	return d.state.View(func(tx Tx) error {
		r, ok, err := sanitizeKind.get(tx, u.record.GUID.String())
		if ok {
			u.lu.RestoreSanitize(r.Sanitize)
		}
		return err
	})
}

// moveSanitize keeps the record of a unit that gets another GUID.
func moveSanitize(tx Tx, was, is sbd.GUID) error {
	r, ok, err := sanitizeKind.get(tx, was.String())
	if !ok {
		return err
	}
	r.GUID = is
	return errors.Join(sanitizeKind.delete(tx, was.String()), sanitizeKind.put(tx, is.String(), r))
}

// sanitizeState says how far u is with being sanitized; empty: it is not.
func (u *unit) sanitizeState() string {
	s, done, is := u.lu.Sanitizing()
	switch {
	case !is:
		return ""
	case s.Failed:
		return "failed"
	}
	return fmt.Sprintf("%d%% done", int(done*100))
}

package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
)

// The records of the state: what of an object outlives the daemon. Each is kept as JSON under
// "kind/name", with the number of its format.

// recordFormat is raised when a record changes so that an older program must not read it:
//
//	1  a unit has one LUN, for everybody
//	2  a unit has views; secrets are sealed
const recordFormat = 2

// A unitRecord is a logical unit: its identity and its configuration.
type unitRecord struct {
	GUID       sbd.GUID  `json:"guid"`
	Serial     string    `json:"serial"`
	Vendor     string    `json:"vendor"`
	Product    string    `json:"product"`
	Revision   string    `json:"revision"`
	Version    byte      `json:"version"`
	DeviceType byte      `json:"device_type"`
	BlockSize  int       `json:"block_size"`
	Path       string    `json:"path"`
	Size       int64     `json:"size"`
	Offset     int64     `json:"offset,omitempty"` // in the store: COMSTAR's metadata come before
	Alias      string    `json:"alias,omitempty"`
	Thin       bool      `json:"thin,omitempty"`
	Alarm      int       `json:"alarm,omitempty"` // percent of the pool in use; 0: the default
	ReadOnly   bool      `json:"read_only,omitempty"`
	Direct     bool      `json:"direct,omitempty"` // past the page cache
	WriteCache bool      `json:"write_cache,omitempty"`
	Created    time.Time `json:"created"`
	OwnStore   bool      `json:"own_store,omitempty"` // lunar made the file
	Offline    bool      `json:"offline,omitempty"`   // an operator took it offline
	Purpose    string    `json:"purpose,omitempty"`   // what for; empty: ForRepair
	Retired    bool      `json:"retired,omitempty"`   // no initiator sees it
	Fault      string    `json:"fault,omitempty"`     // a sync failed; stays until an operator looks

	DR string `json:"dr,omitempty"` // the DR test that it is of: it is no configuration then

	Views []viewRecord `json:"views,omitempty"` // in order of their entries; replaced, never changed
	LUN   *int         `json:"lun,omitempty"`   // of format 1; see migrateUnits

	Clone *cloneRecord `json:"clone,omitempty"` // what the store is one of; nil: it is none
}

// A cloneRecord says of which snapshot the store of a unit is a clone. It is replaced, never changed.
type cloneRecord struct {
	Volume   string `json:"volume"` // a path or a dataset
	Snapshot string `json:"snapshot"`
	Name     string `json:"name"` // of the clone, among the volume's
}

// A viewRecord is a view of the unit that it is kept with.
type viewRecord struct {
	Entry       int    `json:"entry"`
	HostGroup   string `json:"host_group,omitempty"`   // empty: all
	TargetGroup string `json:"target_group,omitempty"` // empty: all
	LUN         int    `json:"lun"`
}

// A memberGroupRecord is a host group or a target group.
type memberGroupRecord struct {
	Name    string      `json:"name"`
	Members []string    `json:"members,omitempty"` // in order
	CHAP    *credential `json:"chap,omitempty"`    // of a host group: any member may use it
	DR      string      `json:"dr,omitempty"`      // as in unitRecord
}

// A targetRecord is an iSCSI target.
type targetRecord struct {
	Name    string      `json:"name"`
	Alias   string      `json:"alias,omitempty"`
	Groups  []string    `json:"portal_groups,omitempty"` // names; empty: all
	Auth    string      `json:"auth"`                    // none, chap, mutual, radius
	Self    *credential `json:"self,omitempty"`          // what it proves itself with
	Offline bool        `json:"offline,omitempty"`
	Created time.Time   `json:"created"`

	Initiators []string `json:"initiators,omitempty"` // who may log in; empty: all
}

// A groupRecord is a portal group other than the default one, which follows from how the
// daemon was started.
type groupRecord struct {
	Name     string   `json:"name"`
	Tag      uint16   `json:"tag"`
	Portals  []string `json:"portals"` // "address:port"
	Announce []string `json:"announce,omitempty"`
	Redirect string   `json:"redirect,omitempty"` // "host:port"
	Moved    bool     `json:"moved,omitempty"`    // the redirection is permanent
	Access   uint16   `json:"alua_group,omitempty"`
	Networks []string `json:"networks,omitempty"` // whose connections it takes; empty: everybody's
}

// An accessRecord is a target port group of asymmetric access. What has none is as it always
// was: optimized.
type accessRecord struct {
	Number    uint16           `json:"number"`
	State     scsi.AccessState `json:"state"`
	Preferred bool             `json:"preferred,omitempty"`
	Explicit  bool             `json:"explicit,omitempty"` // initiators may change the state
	Cause     scsi.AccessCause `json:"cause,omitempty"`
}

// A portRecord is a target port's relative identifier, which outlives the port.
type portRecord struct {
	Target string `json:"target"`
	Tag    uint16 `json:"tag"`
	Number uint16 `json:"number"`
}

// An initiatorRecord is a known initiator.
type initiatorRecord struct {
	Name  string      `json:"name"`
	CHAP  *credential `json:"chap,omitempty"`
	Alias string      `json:"alias,omitempty"`

	RADIUSUser string `json:"radius_user,omitempty"` // empty: that of CHAP, or its name
}

// A discoveryRecord is what discovery asks of initiators.
type discoveryRecord struct {
	Auth string      `json:"auth"`
	Self *credential `json:"self,omitempty"`
}

// A credential is a CHAP name and secret. The secret is sealed where it is saved.
type credential struct {
	User   string `json:"user,omitempty"`
	Secret Secret `json:"secret"`
}

// A kind is one sort of record; its value is the prefix of its keys.
type kind[R any] string

const (
	unitKind      kind[unitRecord]      = "unit/"
	targetKind    kind[targetRecord]    = "target/"
	groupKind     kind[groupRecord]     = "portal-group/"
	accessKind    kind[accessRecord]    = "alua-group/"
	portKind      kind[portRecord]      = "target-port/"
	initiatorKind kind[initiatorRecord] = "initiator/"

	hostGroupKind   kind[memberGroupRecord] = "host-group/"
	targetGroupKind kind[memberGroupRecord] = "target-group/"

	discoveryKind kind[discoveryRecord] = "discovery/"
	isnsKind      kind[isnsRecord]      = "isns/"
	radiusKind    kind[radiusRecord]    = "radius/"
	sanitizeKind  kind[sanitizeRecord]  = "sanitize/"
	alarmKind     kind[alarmRecord]     = "alarm/"
)

// A stored record.
type envelope[R any] struct {
	Format int `json:"format"`
	Record R   `json:"record"`
}

func (k kind[R]) put(tx Tx, name string, r R) error {
	if err := hide(tx, string(k)+name, &r); err != nil {
		return err
	}
	value, err := json.Marshal(envelope[R]{recordFormat, r})
	if err != nil {
		return fmt.Errorf("encoding %s%s: %w", k, name, err)
	}
	return tx.Put(string(k)+name, value)
}

func (k kind[R]) delete(tx Tx, name string) error { return tx.Delete(string(k) + name) }

// get returns the record name, and false when there is none.
func (k kind[R]) get(tx Tx, name string) (r R, ok bool, err error) {
	value := tx.Get(string(k) + name)
	if value == nil {
		return r, false, nil
	}
	r, err = k.decode(string(k)+name, value)
	reveal(tx, string(k)+name, &r)
	return r, err == nil, err
}

// find is get in a transaction of its own.
func (k kind[R]) find(s State, name string) (r R, ok bool, err error) {
	err = s.View(func(tx Tx) error {
		r, ok, err = k.get(tx, name)
		return err
	})
	return r, ok, err
}

// all yields the records in order of their names.
func (k kind[R]) all(tx Tx) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		for key, value := range tx.Scan(string(k)) {
			r, err := k.decode(key, value)
			reveal(tx, key, &r)
			if !yield(r, err) {
				return
			}
		}
	}
}

// list returns the records in order of their names.
func (k kind[R]) list(s State) (records []R, err error) {
	err = s.View(func(tx Tx) error {
		for r, err := range k.all(tx) {
			if err != nil {
				return err
			}
			records = append(records, r)
		}
		return nil
	})
	return records, err
}

// decode reads a value strictly: a field that this program does not know would be lost at
// the next save.
func (k kind[R]) decode(key string, value []byte) (R, error) {
	var head struct {
		Format int `json:"format"`
	}
	var e envelope[R]
	if err := json.Unmarshal(value, &head); err != nil {
		return e.Record, damagedRecord(key, err)
	}
	switch {
	case head.Format > recordFormat:
		return e.Record, newerRecord(key, fmt.Sprintf("format %d, where this program knows %d", head.Format, recordFormat))
	case head.Format < 1:
		return e.Record, damagedRecord(key, errors.New("it has no format"))
	}
	if err := json.Unmarshal(value, &e); err != nil {
		return e.Record, damagedRecord(key, err)
	}
	d := json.NewDecoder(bytes.NewReader(value))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return e.Record, newerRecord(key, err.Error())
	}
	return e.Record, nil
}

func newerRecord(key, what string) *Problem {
	return &Problem{
		Title: fmt.Sprintf("record %s: %v: %s", key, ErrStateNewer, what),
		Hint:  "Start the newer program again, or restore the state that was saved before it ran.",
		cause: ErrStateNewer,
	}
}

func damagedRecord(key string, err error) *Problem {
	return &Problem{
		Title: fmt.Sprintf("record %s: %v: %v", key, ErrStateDamaged, err),
		Hint:  "Restore " + boltFile + " in the state directory from a backup.",
		cause: ErrStateDamaged,
	}
}

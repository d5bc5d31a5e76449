package control

import (
	"time"

	"github.com/lunarsan/lunar/internal/comstar"
)

// What travels between the API's server and its clients of whole configurations.

// A ConfigExport asks for the configuration.
type ConfigExport struct {
	Secrets bool `json:"secrets,omitempty"`
}

// A ConfigExported is the configuration, as a YAML document.
type ConfigExported struct {
	Document string `json:"document"`
}

// A ConfigApply asks for the configuration to become that of a document.
type ConfigApply struct {
	Document string  `json:"document"`          // YAML
	Prune    bool    `json:"prune,omitempty"`   // what the document does not name goes; a unit's store stays
	Force    bool    `json:"force,omitempty"`   // although the plan has risks
	DryRun   bool    `json:"dry_run,omitempty"` // tell the plan, and do nothing
	Base     *uint64 `json:"base,omitempty"`    // only if this is still the last change; see ConfigPlan
}

// A ConfigPlan tells what is done, or would be.
type ConfigPlan struct {
	Steps []ConfigStep `json:"steps"`
	Notes []string     `json:"notes,omitempty"` // what stays although the document has it otherwise
	Risks []string     `json:"risks,omitempty"` // what needs Force

	Warnings []string `json:"warnings,omitempty"` // what is allowed, and may be no intention

	Offline []string `json:"offline,omitempty"` // units that have no store yet, and why
	Lost    []string `json:"lost,omitempty"`    // of an import: what could not be carried, and why
	Applied bool     `json:"applied"`
	Base    uint64   `json:"base"` // the number of the last change of what the plan is for
}

// A ConfigStep is one change of a plan.
type ConfigStep struct {
	Action  string   `json:"action"` // create, change, remove
	Kind    string   `json:"kind"`   // unit, target, …
	Name    string   `json:"name,omitempty"`
	Details []string `json:"details,omitempty"` // "field: before -> after"
}

// The actions of a plan.
const (
	ConfigCreate = "create"
	ConfigChange = "change"
	ConfigRemove = "remove"
)

func (ConfigApply) maxRequest() int64 { return 2 * MaxDocument } // quoted text is longer

// A ConfigChanged tells of a change of the configuration.
type ConfigChanged struct {
	Number  uint64    `json:"number"`
	Time    time.Time `json:"time"`
	Who     string    `json:"who"`     // "root", "uid 1000", "token backup", or "lunar" itself
	Changes []string  `json:"changes"` // "create unit 600144f0…"
}

// A ConfigRollback asks for the configuration as it was.
type ConfigRollback struct {
	Force  bool    `json:"force,omitempty"`   // although the plan has risks
	DryRun bool    `json:"dry_run,omitempty"` // tell the plan, and do nothing
	Base   *uint64 `json:"base,omitempty"`    // as in ConfigApply
}

// A ConfigImport asks for what another system's export describes, beside what is here.
type ConfigImport struct {
	From       string   `json:"from"`                  // ImportSVCCFG, ImportSTMF
	Export     string   `json:"export"`                // XML
	MapPaths   []string `json:"map_paths,omitempty"`   // "OLD=NEW"
	MapPortals []string `json:"map_portals,omitempty"` // "OLD=NEW"
	DropGroups bool     `json:"drop_portal_groups,omitempty"`
	Force      bool     `json:"force,omitempty"`
	DryRun     bool     `json:"dry_run,omitempty"`
	Base       *uint64  `json:"base,omitempty"` // as in ConfigApply
}

// What an import is from.
const (
	ImportSVCCFG = "svccfg" // svccfg export -a iscsitgt
	ImportSTMF   = "stmf"   // svccfg export -a stmf
)

// MaxImport is the longest export that is read, in bytes.
const MaxImport = comstar.MaxExport

func (ConfigImport) maxRequest() int64 { return 2 * MaxImport } // quoted text is longer

// A TokenInfo describes a token of the remote API.
type TokenInfo struct {
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
}

// A TokenCreate asks for a token.
type TokenCreate struct {
	Name string `json:"name"`
}

// A TokenCreated is a token, which is told this once.
type TokenCreated struct {
	TokenInfo
	Token string `json:"token"`
}

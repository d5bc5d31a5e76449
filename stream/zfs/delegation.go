package zfs

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strings"

	"github.com/lunarsan/lunar/stream"
)

// A Role is what an account does with a volume.
type Role uint8

const (
	Source      Role = iota // snapshots are taken, kept, sent and pruned
	Destination             // streams are received, kept and pruned, and sent back
	Clones                  // clones are made and thrown away, and the volume rolled back
	Return                  // what was sent of it comes back, and is received into it
)

func (r Role) String() string { return [...]string{"source", "destination", "clones", "return"}[r] }

// roles has the permissions of each role. mount is what ZFS asks for beside create and destroy,
// though nothing is mounted.
var roles = [...][]string{
	Source:      {"bookmark", "destroy", "hold", "mount", "release", "send", "snapshot"},
	Destination: {"bookmark", "create", "destroy", "hold", "mount", "receive", "release", "rename", "send", "snapshot"},
	Clones:      {"clone", "create", "destroy", "mount", "promote", "rollback", "userprop"},
	Return:      {"create", "destroy", "hold", "mount", "receive", "release"},
}

// above says of which roles the permissions are needed on the dataset that the volume is in: what
// is made is made there.
var above = [...]bool{Source: false, Destination: true, Clones: true, Return: false}

// neededFor has what ZFS asks for a command.
var neededFor = map[string][]string{
	"bookmark": {"bookmark"},
	"clone":    {"clone", "create", "mount", "userprop"},
	"destroy":  {"destroy", "mount"},
	"hold":     {"hold"},
	"promote":  {"mount", "promote"},
	"receive":  {"create", "destroy", "mount", "receive"},
	"release":  {"release"},
	"rename":   {"create", "mount", "rename"},
	"rollback": {"destroy", "mount", "rollback"},
	"send":     {"send"},
	"snapshot": {"snapshot"},
}

// A Delegation is what an account has been allowed of what a role needs.
type Delegation struct {
	Account string   `json:"account"`
	Dataset string   `json:"dataset"`           // that the permissions are needed on
	Missing []string `json:"missing,omitempty"` // permissions, in order
	Grant   string   `json:"grant"`             // the command that allows all that the role needs
}

// Check finds out what the account is allowed on a volume that need not be there yet. Root is
// allowed everything. It is an error where neither the dataset nor one above it is there.
func Check(ctx context.Context, run Command, dataset string, role Role) (*Delegation, error) {
	who, err := identify()
	if err != nil {
		return nil, err
	}
	return check(ctx, run, dataset, role, who)
}

// Check is the function Check for the volume.
func (v *Volume) Check(ctx context.Context, role Role) (*Delegation, error) {
	return Check(ctx, v.run, v.dataset, role)
}

func check(ctx context.Context, run Command, dataset string, role Role, who *identity) (*Delegation, error) {
	if err := CheckDataset(dataset); err != nil {
		return nil, err
	}
	on := dataset
	if above[role] {
		on = parent(dataset)
	}
	d := &Delegation{Account: who.account, Dataset: on, Grant: grant(who.account, roles[role], on)}
	for there := on; ; {
		allowed, err := granted(ctx, run, there, there == on, who)
		if kindOf(err) == errMissing {
			if there == parent(there) {
				return nil, fmt.Errorf("%s: %w: there is no pool %s: %w", dataset, stream.ErrNoVolume, there, err)
			}
			there = parent(there)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dataset, err)
		}
		for _, permission := range roles[role] {
			if !who.root && !allowed[permission] {
				d.Missing = append(d.Missing, permission)
			}
		}
		return d, nil
	}
}

// identity is who runs zfs, by the names and the numbers that zfs allow has.
type identity struct {
	account string
	names   []string // "user NAME", "group NAME", "everyone"
	root    bool
}

func identify() (*identity, error) {
	u, err := user.Current()
	if err != nil {
		return nil, fmt.Errorf("which account this is: %w", err)
	}
	who := &identity{account: u.Username, root: os.Geteuid() == 0, names: []string{"everyone", "user " + u.Username, "user (unknown: " + u.Uid + ")"}}
	groups, err := u.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("which groups %s is in: %w", u.Username, err)
	}
	for _, id := range groups {
		who.names = append(who.names, "group (unknown: "+id+")")
		if g, err := user.LookupGroupId(id); err == nil {
			who.names = append(who.names, "group "+g.Name)
		}
	}
	return who, nil
}

// granted reads what zfs allow prints: for the dataset, and for each above it that has something
// to say,
//
//	---- Permissions on DATASET ---
//	Permission sets:
//		@NAME permission,...
//	Create time permissions:
//		permission,...
//	Local permissions:
//		user NAME permission,...
//	Descendent permissions:
//		group NAME permission,...
//	Local+Descendent permissions:
//		everyone permission,...
//
// own says that local permissions of the dataset asked about count.
func granted(ctx context.Context, run Command, dataset string, own bool, who *identity) (map[string]bool, error) {
	allowed, sets := map[string]bool{}, map[string][]string{}
	var section string
	here := false
	err := lines(ctx, run, func(fields []string) error {
		line := fields[0]
		if header, ok := strings.CutPrefix(line, "---- Permissions on "); ok {
			here = strings.TrimRight(header, " -") == strings.TrimRight(dataset, "-")
			return nil
		}
		if len(fields) == 1 {
			section = strings.TrimSuffix(line, ":")
			return nil
		}
		entry := strings.TrimSpace(fields[1])
		at := strings.LastIndexByte(entry, ' ')
		if at < 0 {
			return nil // create time permissions have no account
		}
		name, permissions := entry[:at], strings.Split(entry[at+1:], ",")
		switch section {
		case "Permission sets":
			sets[name] = append(sets[name], permissions...)
			return nil
		case "Local permissions":
			if !here || !own {
				return nil
			}
		case "Descendent permissions":
			if here && own {
				return nil
			}
		case "Local+Descendent permissions":
		default:
			return nil
		}
		if slices.Contains(who.names, name) {
			for _, p := range permissions {
				allowed[p] = true
			}
		}
		return nil
	}, "allow", dataset)
	if err != nil {
		return nil, err
	}
	expand(allowed, sets)
	return allowed, nil
}

// expand adds what is in the sets (@NAME) that are allowed. Sets can have sets in them.
func expand(allowed map[string]bool, sets map[string][]string) {
	for more := true; more; {
		more = false
		for name := range sets {
			if !allowed[name] {
				continue
			}
			for _, p := range sets[name] {
				more = more || !allowed[p]
				allowed[p] = true
			}
		}
	}
}

// Err is nil where nothing is missing, and otherwise a *stream.Refusal with the way out.
func (d *Delegation) Err() error {
	if len(d.Missing) == 0 {
		return nil
	}
	return &stream.Refusal{
		Kind: stream.ErrForbidden,
		Says: fmt.Sprintf("account %s lacks the permissions %s of ZFS on %s", d.Account, strings.Join(d.Missing, ", "), d.Dataset),
		Way:  "An administrator allows it with: " + d.Grant,
	}
}

// grant is the command that lets an account have permissions on a dataset and those below it.
func grant(account string, permissions []string, dataset string) string {
	return fmt.Sprintf("zfs allow -u %s %s %s", account, strings.Join(permissions, ","), dataset)
}

// parent is the dataset that a dataset is in; that of a pool is itself.
func parent(dataset string) string {
	if at := strings.LastIndexByte(dataset, '/'); at >= 0 {
		return dataset[:at]
	}
	return dataset
}

package comstar

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// readTargets reads the list of the provider iscsit, in which itadm keeps everything:
//
//	targetList         a list for each target: properties, and tpgtList with a list for each of its
//	                   portal groups: tag
//	tpgList            a list for each portal group: portalList
//	iniList            a list for each initiator: properties
//	globalProperties   the defaults
//
// The properties are auth, alias, chapuser, chapsecret, targetchapuser, targetchapsecret,
// radiusserver, radiussecret, isns, isnsserver. Secrets are in base 64.
func (c *Config) readTargets(list nvlist) error {
	for _, p := range list.list("targetList") {
		t, err := readTarget(p)
		if err != nil {
			return fmt.Errorf("target %s: %w", p.name, err)
		}
		c.Targets = append(c.Targets, t)
	}
	for _, p := range list.list("tpgList") {
		group, _ := p.value.(nvlist)
		portals, _ := group.get("portalList").([]string)
		c.PortalGroups = append(c.PortalGroups, PortalGroup{p.name, portals})
	}
	for _, p := range list.list("iniList") {
		initiator, _ := p.value.(nvlist)
		properties := initiator.list("properties")
		secret, err := secretOf(properties, "chapsecret")
		if err != nil {
			return fmt.Errorf("initiator %s: %w", p.name, err)
		}
		c.Initiators = append(c.Initiators, Initiator{p.name, properties.text("chapuser"), secret})
	}
	global := list.list("globalProperties")
	secret, err := secretOf(global, "radiussecret")
	if err != nil {
		return fmt.Errorf("the defaults: %w", err)
	}
	c.Defaults = Defaults{
		Alias:        global.text("alias"),
		Auth:         global.text("auth"),
		RADIUSServer: global.text("radiusserver"),
		RADIUSSecret: secret,
	}
	c.Defaults.ISNS, _ = global.get("isns").(bool)
	c.Defaults.ISNSServers, _ = global.get("isnsserver").([]string)
	return nil
}

// defaultGroup is the portal group of targets that were given none: every address.
const defaultGroup = "default"

func readTarget(p nvpair) (Target, error) {
	target, _ := p.value.(nvlist)
	properties := target.list("properties")
	secret, err := secretOf(properties, "targetchapsecret")
	if err != nil {
		return Target{}, err
	}
	t := Target{
		Name:       p.name,
		Alias:      properties.text("alias"),
		Auth:       properties.text("auth"),
		CHAPUser:   properties.text("targetchapuser"),
		CHAPSecret: secret,
	}
	for _, g := range target.list("tpgtList") {
		if g.name == defaultGroup {
			continue
		}
		group, _ := g.value.(nvlist)
		tag, _ := group.get("tag").(uint64)
		t.Groups = append(t.Groups, GroupTag{g.name, uint16(tag)})
	}
	slices.SortFunc(t.Groups, func(a, b GroupTag) int {
		return cmp.Or(cmp.Compare(a.Tag, b.Tag), cmp.Compare(a.Name, b.Name))
	})
	return t, nil
}

// secretOf returns the secret name of properties.
func secretOf(properties nvlist, name string) (Secret, error) {
	return decodeSecret(properties.text(name), name)
}

// decodeSecret returns what text is in base 64.
func decodeSecret(text, name string) (Secret, error) {
	secret, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil, fmt.Errorf("%s is not in base 64", name) // the cause would show some of it
	}
	if len(secret) == 0 {
		return nil, nil
	}
	return secret, nil
}

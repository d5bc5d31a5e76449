package comstar

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lunarsan/lunar/sbd"
)

// readProviders reads the data that STMF keeps for its providers:
//
//	provider_data_pg_NAME   provider_data_cnt: the number of pieces
//	                        provider_data_prop-N: a piece, opaque, of 4,000 bytes but for the last
//
// All pieces together are a packed list. The provider sbd's has a string for each unit that was
// made to last: the GUID, and the path of what has its metadata, which is the store for zvols and
// wherever no other file was named.
func (c *Config) readProviders(s *service) error {
	for _, g := range s.groups {
		name, ok := strings.CutPrefix(g.name, "provider_data_pg_")
		if !ok {
			continue
		}
		list, err := providerData(g)
		if err != nil {
			return fmt.Errorf("the data of provider %s: %w", name, err)
		}
		switch name {
		case "sbd":
			err = c.readUnits(list)
		case "iscsit":
			err = c.readTargets(list)
		default:
			c.lose("nothing here serves or understands it", "the data of provider %s", name)
		}
		if err != nil {
			return fmt.Errorf("the data of provider %s: %w", name, err)
		}
	}
	return nil
}

// maxPieces is 16 MB, and a unit takes about 100 bytes.
const maxPieces = 1 << 12

// providerData puts the pieces together and unpacks them.
func providerData(g propertyGroup) (nvlist, error) {
	count, err := strconv.Atoi(g.value("provider_data_cnt"))
	if err != nil || count < 0 || count > maxPieces {
		return nil, fmt.Errorf("it has %q pieces; was it exported without -a? svccfg export -a stmf", g.value("provider_data_cnt"))
	}
	var packed []byte
	for n := range count {
		name := "provider_data_prop-" + strconv.Itoa(n)
		piece, err := g.opaque(name)
		if err != nil {
			return nil, err
		}
		if len(piece) == 0 {
			return nil, fmt.Errorf("%s has no value; was it exported without -a? svccfg export -a stmf", name)
		}
		packed = append(packed, piece...)
	}
	if len(packed) == 0 {
		return nil, nil
	}
	return unpack(packed)
}

// readUnits reads the list of the provider sbd.
func (c *Config) readUnits(list nvlist) error {
	for _, p := range list {
		guid, err := sbd.ParseGUID(p.name)
		if err != nil {
			return err
		}
		path, ok := p.value.(string)
		if !ok || path == "" {
			return fmt.Errorf("unit %s has no path", guid)
		}
		c.Units = append(c.Units, Unit{Name: guid.String(), GUID: guid, Path: path})
	}
	return nil
}

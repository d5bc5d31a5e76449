package control

import (
	"context"
	"strings"
)

// An undertaking is a failover or a failback that is planned, or under way.
type undertaking interface {
	info(d *Daemon) DRInfo // with the plan, and its risks
	begin(d *Daemon) error // saves that it begins
	run(ctx context.Context, d *Daemon)
	close()
}

// undertake plans what is to be done with the units of a job, and begins it, unless there are risks and
// no force, or it is a dry run. What is done goes on behind it; DR tells how far it is.
func (d *Daemon) undertake(job string, force, dry bool, plan func(siteRecord) (undertaking, error)) (DRInfo, error) {
	site, err := d.findSite(job)
	if err != nil {
		return DRInfo{}, err
	}
	done, err := d.drills.begin(site.name())
	if err != nil {
		return DRInfo{}, err
	}
	u, err := plan(site)
	if err != nil {
		done()
		return DRInfo{}, err
	}
	end := func() {
		u.close()
		done()
	}
	info := u.info(d)
	switch {
	case dry:
	case len(info.Risks) > 0 && !force:
		err = conflict("nothing was done: "+strings.Join(info.Risks, "; "), "Mend it, or say --force; --dry-run shows the plan.")
	default:
		err = u.begin(d)
	}
	if err != nil {
		end()
		return DRInfo{}, err
	}
	if dry {
		end()
		return info, nil
	}
	info = u.info(d)
	d.running.Go(func() {
		defer end()
		u.run(d.background, d)
	})
	return info, nil
}

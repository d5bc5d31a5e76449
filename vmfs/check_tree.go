package vmfs

import (
	"fmt"
	"hash/maphash"
	"strings"
)

// tree goes through all directories from the root on, and compares their entries with the
// descriptors.
func (c *checker) tree() error {
	c.paths = make(map[FDAddress]string)
	for i := range c.report.Findings {
		if about := c.report.Findings[i].about; about != 0 {
			c.paths[about] = ""
		}
	}
	root := RootSlot.Address()
	if !c.isLiveDir(root) {
		c.findFile(FaultDirectory, root, "there is no root directory")
		return nil
	}
	c.live(root).flags |= fdVisited
	c.path(root, "/")
	type directory struct {
		address, parent FDAddress
		path            string
		depth           int
	}
	dirs, visited := []directory{{root, root, "/", 1}}, int64(0)
	for len(dirs) > 0 {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		d := dirs[len(dirs)-1]
		dirs = dirs[:len(dirs)-1]
		visited++
		c.progress(0.6 + 0.3*float64(visited)/float64(max(visited, c.report.Counts.Directories)))
		c.directory(d.address, d.parent, d.path, func(name string, child FDAddress) {
			if d.depth == maxDepth {
				c.findFile(FaultDirectory, d.address, "directories more than %d deep", maxDepth)
				return
			}
			dirs = append(dirs, directory{child, d.address, strings.TrimSuffix(d.path, "/") + "/" + name, d.depth + 1})
		})
	}
	c.judgeHashes()
	return nil
}

// isLiveDir reports a descriptor that is that of a directory.
func (c *checker) isLiveDir(a FDAddress) bool {
	s := c.live(a)
	return s != nil && s.flags&(fdDir|fdDamaged) == fdDir
}

// path keeps the path of a descriptor, if a finding is about it.
func (c *checker) path(a FDAddress, path string) {
	if have, ok := c.paths[a]; ok && have == "" {
		c.paths[a] = path
	}
}

// directory checks one directory, and calls below with the directories in it.
func (c *checker) directory(self, parent FDAddress, path string, below func(name string, child FDAddress)) {
	f, err := c.v.File(self)
	if err != nil {
		c.findFile(FaultDirectory, self, "%v", err)
		return
	}
	f.name = path
	var (
		seed   = maphash.MakeSeed()
		seen   = make(map[uint64]struct{})
		dot    [2]FDAddress
		count  uint32
		in     = func(fault Fault, format string, args ...any) { c.inDirectory(fault, self, path, format, args...) }
		prefix = strings.TrimSuffix(path, "/") + "/"
	)
	if !c.v.sb.wide() && f.size%narrowEntry != 0 {
		in(FaultDirectory, "its %d bytes are no whole number of entries", f.size)
	}
	for e, err := range f.Entries() {
		if err != nil {
			in(FaultDirectory, "%v", err)
			return
		}
		count++
		name := e.Bytes()
		switch string(name) {
		case ".":
			dot[0] = e.Address()
			c.dots(e)
			continue
		case "..":
			dot[1] = e.Address()
			c.dots(e)
			continue
		}
		hash := maphash.Bytes(seed, name)
		if _, twice := seen[hash]; twice {
			in(FaultEntryName, "%q is there twice", name)
		}
		seen[hash] = struct{}{}
		if len(name) == 0 || strings.ContainsRune(string(name), '/') {
			in(FaultEntryName, "%q is no name", name)
		}
		s := c.live(e.Address())
		if s == nil {
			in(FaultDangling, "%q leads to descriptor %s, which is of no file", name, e.Address())
			continue
		}
		s.names++
		c.path(e.Address(), prefix+string(name))
		switch {
		case e.Generation() != s.generation:
			in(FaultGeneration, "%q is generation %d, and descriptor %s %d", name, e.Generation(), e.Address(), s.generation)
		case e.Type() != s.kind:
			in(FaultEntryType, "%q is a %s, and descriptor %s a %s", name, e.Type(), e.Address(), s.kind)
		}
		if !c.isLiveDir(e.Address()) {
			continue
		}
		if s.flags&fdVisited != 0 {
			in(FaultTwice, "%q leads to the directory %s, which is elsewhere too", name, e.Address())
			continue
		}
		s.flags |= fdVisited
		below(string(name), e.Address())
	}
	for i, want := range [...]FDAddress{self, parent} {
		if dot[i] != want {
			in(FaultEntryDots, "%q leads to descriptor %s, not to %s", ".."[:i+1], dot[i], want)
		}
	}
	if c.v.sb.wide() {
		c.hashedDirectory(f, self, path, count)
	}
}

// inDirectory adds a finding about a directory whose path is known.
func (c *checker) inDirectory(fault Fault, self FDAddress, path, format string, args ...any) {
	c.add(Finding{Fault: fault, Where: fmt.Sprintf("%s (descriptor %s)", path, self), What: fmt.Sprintf(format, args...)})
}

// dots counts an entry "." or "..".
func (c *checker) dots(e Entry) {
	if s := c.live(e.Address()); s != nil {
		s.dots++
	}
}

// links compares how many entries lead to a descriptor with how many it says.
//
// VMFS3 counts "." and ".." for directories [V]; whether the others do is not known: any number
// from its names on will do.
func (c *checker) links() error {
	for n := range c.fds.total {
		s, addr := c.fds.of(n), c.address(n)
		if s == nil || s.flags&fdLive == 0 || n == 0 || s.kind == System {
			continue
		}
		switch most := s.names + s.dots; {
		case s.names == 0:
			c.findFile(FaultOrphan, addr, "a %s that no directory has", s.kind)
		case s.flags&fdDir == 0 && s.links != s.names:
			c.findFile(FaultLinkCount, addr, "%d entries lead to it, and it says %d", s.names, s.links)
		case s.flags&fdDir != 0 && (s.links < s.names || s.links > most):
			c.findFile(FaultLinkCount, addr, "%d to %d entries lead to it, and it says %d", s.names, most, s.links)
		}
	}
	return c.namePaths()
}

// namePaths finds the paths that findings of the links need.
func (c *checker) namePaths() error {
	want := false
	for i := range c.report.Findings {
		f := &c.report.Findings[i]
		if _, known := c.paths[f.about]; f.about != 0 && !known {
			c.paths[f.about], want = "", want || f.Fault == FaultLinkCount
		}
	}
	if !want {
		return nil
	}
	root, err := c.v.Root()
	if err != nil {
		return err
	}
	for n, err := range root.Walk() {
		if err == nil {
			c.path(n.Entry.Address(), n.Path)
		}
		if err := c.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

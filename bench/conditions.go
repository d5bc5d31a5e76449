package bench

// conditions are the loads that a target meets in the field: the disk, durable writes, digests,
// several units, and neighbours that take more than their part.
func conditions() Set {
	s := Set{Name: "conditions", Rounds: 3}
	add := func(loads ...Load) { s.Loads = append(s.Loads, loads...) }

	for _, block := range []int{4 << 10, 256 << 10} {
		for _, depth := range []int{1, 32} {
			add(made(InProcess, Read, block, depth).on(Cold))
		}
	}
	for _, client := range []Client{InProcess, QemuImg} { // at random places; in order
		for _, sessions := range []int{1, 4} {
			for _, depth := range []int{1, 32} {
				add(made(client, Write, 4<<10, depth).sessions(sessions).on(Durable))
			}
		}
	}
	for _, block := range []int{4 << 10, 256 << 10} {
		depth := min(32, 4<<20/block)
		for _, d := range []Digests{NoDigests, HeaderDigest, DataDigest, BothDigests} {
			add(made(InProcess, Read, block, depth).digests(d))
		}
		add(made(InProcess, Write, block, depth), made(InProcess, Write, block, depth).digests(BothDigests))
	}
	add(made(InProcess, Mixed, 4<<10, 8).sessions(8).units(4))

	sensitive := made(InProcess, Read, 4<<10, 1).on(Scratch)
	heartbeat := made(InProcess, CompareAndWrite, 512, 1).on(Scratch)
	reader := made(InProcess, Read, 4<<10, 32).on(Scratch)
	ping := made(InProcess, Ping, 0, 1).on(Scratch)
	for _, row := range []struct {
		load   Load
		storms []Storm
	}{
		{sensitive, []Storm{Unmaps, WriteSames, Copies, LargeWrites}},
		{heartbeat, []Storm{LargeReads, LargeWrites}},
		{reader, []Storm{Stall}},
		{ping, []Storm{SmallReads, LargeReads}},
	} {
		add(row.load)
		for _, storm := range row.storms {
			add(row.load.with(storm, Beside), row.load.with(storm, Apart))
			if row.load.Pattern == Ping {
				add(row.load.with(storm, Inside))
			}
		}
	}
	add(thousand())
	return s
}

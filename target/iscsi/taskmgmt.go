package iscsi

// TaskMgmtRequest is a Task Management Function Request (RFC 7143 §11.5).
//
//	 1  1 Function(7)
//	20  Referenced Task Tag(4)
//	32  RefCmdSN(4)
//	36  ExpDataSN(4)
type TaskMgmtRequest BHS

// TaskMgmtRequest views b as a Task Management Function Request.
func (b *BHS) TaskMgmtRequest() *TaskMgmtRequest { return (*TaskMgmtRequest)(b) }

// TaskMgmtFunction is what a Task Management Function Request asks for (RFC 7143 §11.5.1;
// QueryTask and above: RFC 7144 §4.1).
type TaskMgmtFunction uint8

const (
	AbortTask        TaskMgmtFunction = 1
	AbortTaskSet     TaskMgmtFunction = 2
	ClearACA         TaskMgmtFunction = 3
	ClearTaskSet     TaskMgmtFunction = 4
	LogicalUnitReset TaskMgmtFunction = 5
	TargetWarmReset  TaskMgmtFunction = 6
	TargetColdReset  TaskMgmtFunction = 7
	TaskReassign     TaskMgmtFunction = 8
	QueryTask        TaskMgmtFunction = 9
	QueryTaskSet     TaskMgmtFunction = 10
	NexusReset       TaskMgmtFunction = 11
	QueryAsyncEvent  TaskMgmtFunction = 12
)

var taskMgmtNames = []string{
	1: "ABORT TASK", 2: "ABORT TASK SET", 3: "CLEAR ACA", 4: "CLEAR TASK SET", 5: "LOGICAL UNIT RESET",
	6: "TARGET WARM RESET", 7: "TARGET COLD RESET", 8: "TASK REASSIGN",
	9: "QUERY TASK", 10: "QUERY TASK SET", 11: "I_T NEXUS RESET", 12: "QUERY ASYNCHRONOUS EVENT",
}

func (f TaskMgmtFunction) String() string { return named(taskMgmtNames, uint8(f), "function") }

func (r *TaskMgmtRequest) Function() TaskMgmtFunction     { return TaskMgmtFunction(r[1] & 0x7f) }
func (r *TaskMgmtRequest) SetFunction(f TaskMgmtFunction) { r[1] = finalBit | byte(f)&0x7f }

// Referenced returns the Referenced Task Tag: the ITT of the task to act on.
func (r *TaskMgmtRequest) Referenced() uint32     { return (*BHS)(r).u32(20) }
func (r *TaskMgmtRequest) SetReferenced(t uint32) { (*BHS)(r).put32(20, t) }

// RefCmdSN returns the CmdSN of the task to act on.
func (r *TaskMgmtRequest) RefCmdSN() SN     { return SN((*BHS)(r).u32(32)) }
func (r *TaskMgmtRequest) SetRefCmdSN(n SN) { (*BHS)(r).put32(32, uint32(n)) }

// TaskMgmtResponse is a Task Management Function Response (RFC 7143 §11.6).
//
//	2  Response
type TaskMgmtResponse BHS

// TaskMgmtResponse views b as a Task Management Function Response.
func (b *BHS) TaskMgmtResponse() *TaskMgmtResponse { return (*TaskMgmtResponse)(b) }

// TaskMgmtResult answers a task management function (RFC 7143 §11.6.1; FunctionSucceeded:
// RFC 7144 §4.2).
type TaskMgmtResult uint8

const (
	FunctionComplete      TaskMgmtResult = 0
	TaskNotThere          TaskMgmtResult = 1
	LUNNotThere           TaskMgmtResult = 2
	TaskStillAllegiant    TaskMgmtResult = 3
	ReassignNotSupported  TaskMgmtResult = 4
	FunctionNotSupported  TaskMgmtResult = 5
	FunctionNotAuthorised TaskMgmtResult = 6
	FunctionSucceeded     TaskMgmtResult = 7
	FunctionRejected      TaskMgmtResult = 255
)

var taskMgmtResults = []string{
	0: "function complete", 1: "task does not exist", 2: "LUN does not exist", 3: "task still allegiant",
	4: "task allegiance reassignment not supported", 5: "function not supported", 6: "function authorization failed",
	7: "function succeeded", 255: "function rejected",
}

func (r TaskMgmtResult) String() string { return named(taskMgmtResults, uint8(r), "response") }

func (r *TaskMgmtResponse) Result() TaskMgmtResult     { return TaskMgmtResult(r[2]) }
func (r *TaskMgmtResponse) SetResult(c TaskMgmtResult) { r[2] = byte(c) }

// Quamina, asked about the rules and events of a folder that benches/peers/main.rs wrote.
// It prints what it measured, line by line, so that what it had found out is known if it is
// stopped. It matches as the others do: key and event type, all matching rules, one thread.
package main

import (
	"bufio"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"quamina.net/go/quamina/v2"
)

// What of an event is tested.
const (
	key        = `{"key":[KEY]}`
	keyAndType = `{"key":[KEY],"type":["TYPES"]}`
)

const (
	// Events of one window at most. A window takes about a millisecond, or one event.
	windowMax  = 256
	windowTime = time.Millisecond

	warmTime    = 1 * time.Second
	measureTime = 3 * time.Second

	// CLOCK_THREAD_CPUTIME_ID of clock_gettime(2).
	threadCPUTime = 3
)

func main() {
	// The thread's clock is read: the work has to stay on the thread.
	runtime.LockOSThread()
	runtime.GOMAXPROCS(1)
	folder := os.Args[1]
	rules := table(folder, "rules")
	before, begin := usedBytes(), threadTime()
	matcher := build(rules, keyAndType)
	fmt.Println("build", (threadTime() - begin).Seconds())
	fmt.Println("bytes", usedBytes()-before)

	events := table(folder, "events")
	whole, ofKey := make([][]byte, len(events)), make([][]byte, len(events))
	for number, event := range events {
		whole[number] = fmt.Appendf(nil, `{"type":"%s","key":"%s"}`, event[0], event[1])
		ofKey[number] = fmt.Appendf(nil, `{"key":"%s"}`, event[1])
	}
	fmt.Println("wrong", wrong(matcher, whole, events))
	fmt.Println("ns", nanoseconds(matcher, whole))
	fmt.Println("best", nanoseconds(build(rules, key), ofKey))
}

func build(rules [][]string, fields string) *quamina.Quamina {
	matcher, err := quamina.New()
	must(err)
	for number, rule := range rules {
		must(matcher.AddPattern(number, pattern(rule, fields)))
	}
	return matcher
}

// Both ends of one field are a wildcard; unlike fanfare's two tests, they may not overlap.
func pattern(rule []string, fields string) string {
	types := strings.ReplaceAll(rule[0], ",", `","`)
	key := `{"shellstyle":"` + rule[1] + "*" + rule[2] + `"}`
	if rule[1] == "" && rule[2] == "" {
		key = `{"exists":true}`
	}
	return strings.NewReplacer("KEY", key, "TYPES", types).Replace(fields)
}

func find(matcher *quamina.Quamina, event []byte) int {
	matches, err := matcher.MatchesForEvent(event)
	must(err)
	return len(matches)
}

// How many of the events whose number of matches is known are answered otherwise.
func wrong(matcher *quamina.Quamina, whole [][]byte, events [][]string) (wrong int) {
	for number, event := range events {
		if event[2] == "" {
			continue
		}
		matches, err := strconv.Atoi(event[2])
		must(err)
		if find(matcher, whole[number]) != matches {
			wrong++
		}
	}
	return wrong
}

// The mean of the windows' best passes.
func nanoseconds(matcher *quamina.Quamina, events [][]byte) float64 {
	begin, asked := threadTime(), 0
	for threadTime()-begin < warmTime {
		find(matcher, events[asked%len(events)])
		asked++
	}
	each := max(1, (threadTime()-begin)/time.Duration(asked))
	window := int(max(1, min(windowMax, windowTime/each)))

	best := make([]time.Duration, (len(events)+window-1)/window)
	for number := range best {
		best[number] = math.MaxInt64
	}
	measured := 0
	for end := threadTime() + measureTime; threadTime() < end; {
		for number := 0; number < len(best) && threadTime() < end; number++ {
			from, to := number*window, min(len(events), (number+1)*window)
			begin := threadTime()
			for _, event := range events[from:to] {
				find(matcher, event)
			}
			best[number] = min(best[number], threadTime()-begin)
			measured = max(measured, to)
		}
	}
	var sum time.Duration
	for _, taken := range best[:(measured+window-1)/window] {
		sum += taken
	}
	return float64(sum.Nanoseconds()) / float64(measured)
}

// The processor time of this thread: a neighbour's work is not in it. The standard library asks no
// clock that is fine enough.
func threadTime() time.Duration {
	var used syscall.Timespec
	_, _, failed := syscall.Syscall(
		syscall.SYS_CLOCK_GETTIME, threadCPUTime, uintptr(unsafe.Pointer(&used)), 0)
	if failed != 0 {
		log.Fatal(failed)
	}
	return time.Duration(used.Nano())
}

func usedBytes() uint64 {
	var used runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&used)
	return used.HeapAlloc
}

// The lines of a file, split at tabs.
func table(folder, name string) (rows [][]string) {
	file, err := os.Open(filepath.Join(folder, name))
	must(err)
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		rows = append(rows, strings.Split(lines.Text(), "\t"))
	}
	return rows
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

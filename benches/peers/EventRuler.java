// AWS event-ruler, asked about the rules and events of a folder that benches/peers/main.rs wrote.
// It prints what it measured, line by line, so that what it had found out is known if it is
// stopped. It matches as the others do: key and event type, all matching rules, one thread.

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryType;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import software.amazon.event.ruler.Machine;

final class EventRuler {
    /** Events of one window at most. A window takes about a millisecond, or one event. */
    private static final int WINDOW_MAX = 256;

    private static final double WINDOW_NANOSECONDS = 1e6;

    /** Long enough for the second compiler of the JVM to have had its turn. */
    private static final long WARM_NANOSECONDS = 2_000_000_000L;

    private static final long MEASURE_NANOSECONDS = 3_000_000_000L;

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    /** Keeps the answers from being optimised away. */
    private static long found;

    /** What of an event is tested. */
    private enum Fields {
        KEY,
        KEY_AND_TYPE
    }

    private interface Ask {
        List<String> find(int event) throws Exception;
    }

    /** Of what takes an event that is parsed, all is deprecated. */
    @SuppressWarnings("deprecation")
    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        List<String[]> rules = table(folder.resolve("rules"));
        // What the library keeps for itself is loaded with the first machine, and not counted.
        machine(rules.subList(0, 1), Fields.KEY_AND_TYPE);
        long before = usedBytes();
        long begin = time();
        Machine machine = machine(rules, Fields.KEY_AND_TYPE);
        System.out.println("build " + (time() - begin) / 1e9);
        System.out.println("bytes " + (usedBytes() - before));

        List<String[]> events = table(folder.resolve("events"));
        List<String> whole = events.stream().map(EventRuler::json).toList();
        Ask ask = event -> machine.rulesForJSONEvent(whole.get(event));
        System.out.println("wrong " + wrong(ask, events));
        System.out.println("ns " + nanoseconds(ask, events.size()));

        Machine ofKeys = machine(rules, Fields.KEY);
        List<List<String>> parsed = events.stream().map(EventRuler::parsed).toList();
        Ask askAtBest = event -> ofKeys.rulesForEvent(parsed.get(event));
        System.out.println("best " + nanoseconds(askAtBest, events.size()));
        System.out.println("found " + found);
    }

    private static List<String[]> table(Path file) throws Exception {
        return Files.readAllLines(file).stream().map(line -> line.split("\t", -1)).toList();
    }

    private static Machine machine(List<String[]> rules, Fields fields) throws Exception {
        Machine machine = Machine.builder().build();
        for (int rule = 0; rule < rules.size(); rule++) {
            machine.addRule(Integer.toString(rule), pattern(rules.get(rule), fields));
        }
        return machine;
    }

    /** Both ends of one field are a wildcard; unlike fanfare's two tests, they may not overlap. */
    private static String pattern(String[] rule, Fields fields) {
        String prefix = rule[1];
        String suffix = rule[2];
        String key = "{\"exists\":true}";
        if (!prefix.isEmpty() && !suffix.isEmpty()) {
            key = "{\"wildcard\":\"" + prefix + "*" + suffix + "\"}";
        } else if (!prefix.isEmpty()) {
            key = "{\"prefix\":\"" + prefix + "\"}";
        } else if (!suffix.isEmpty()) {
            key = "{\"suffix\":\"" + suffix + "\"}";
        }
        String types = "\"" + rule[0].replace(",", "\",\"") + "\"";
        return switch (fields) {
            case KEY -> "{\"key\":[" + key + "]}";
            case KEY_AND_TYPE -> "{\"key\":[" + key + "],\"type\":[" + types + "]}";
        };
    }

    private static String json(String[] event) {
        return "{\"type\":\"" + event[0] + "\",\"key\":\"" + event[1] + "\"}";
    }

    /** What the parser makes of the key: a name, and a value as it stands in JSON. */
    private static List<String> parsed(String[] event) {
        return List.of("key", '"' + event[1] + '"');
    }

    /** How many of the events whose number of matches is known are answered otherwise. */
    private static int wrong(Ask ask, List<String[]> events) throws Exception {
        int wrong = 0;
        for (int event = 0; event < events.size(); event++) {
            String matches = events.get(event)[2];
            if (!matches.isEmpty() && Integer.parseInt(matches) != ask.find(event).size()) {
                wrong++;
            }
        }
        return wrong;
    }

    /** The mean of the windows' best passes. */
    private static double nanoseconds(Ask ask, int events) throws Exception {
        long begin = time();
        int asked = 0;
        while (time() - begin < WARM_NANOSECONDS) {
            found += ask.find(asked++ % events).size();
        }
        double each = (double) (time() - begin) / asked;
        int window = (int) Math.max(1, Math.min(WINDOW_MAX, WINDOW_NANOSECONDS / each));

        long[] best = new long[(events + window - 1) / window];
        Arrays.fill(best, Long.MAX_VALUE);
        long end = time() + MEASURE_NANOSECONDS;
        int measured = 0;
        while (time() < end) {
            for (int number = 0; number < best.length && time() < end; number++) {
                int to = Math.min(events, (number + 1) * window);
                best[number] = Math.min(best[number], one(ask, number * window, to));
                measured = Math.max(measured, to);
            }
        }
        long sum = Arrays.stream(best).filter(time -> time != Long.MAX_VALUE).sum();
        return (double) sum / measured;
    }

    private static long one(Ask ask, int from, int to) throws Exception {
        long begin = time();
        for (int event = from; event < to; event++) {
            found += ask.find(event).size();
        }
        return time() - begin;
    }

    /** The processor time of this thread: a neighbour's work is not in it, nor is the compiler's. */
    private static long time() {
        return THREADS.getCurrentThreadCpuTime();
    }

    /** What lived on after a collection; the heap as it is has half-used buffers in it. */
    private static long usedBytes() {
        System.gc();
        return ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(pool -> pool.getType() == MemoryType.HEAP)
                .mapToLong(pool -> pool.getCollectionUsage().getUsed())
                .sum();
    }
}

"""The words people have: synonyms, vague and elliptical requests, opening clauses, requests nobody here can serve.

Lists are ordered from common to rare; each user draws their own favourites from them (`people.Idiolect`). One verb
serves several intents ("get", "check", "kill"), so a bag of words alone does not determine an intent.
"""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|"))


SYNONYMS: dict[str, tuple[str, ...]] = {
    name: _words(text)
    for name, text in {
        "find": (
            "find|locate|look for|search for|track down|get me|hunt down|show me|dig up|spot|fish out|point me to"
        ),
        "where": "where is|where's|where did i put|where do we keep|where would i find|in which place is",
        "lately": "lately|recently|today|this morning|since yesterday|just now|in the last hours|of late",
        "big": "biggest|largest|big|huge|fattest|heaviest|bulkiest|greediest|most massive",
        "show": (
            "show me|show|list|print|display|give me|let me see|tell me|bring up|i want to see|get"
            "|check|dump|reveal|present"
        ),
        "search": (
            "search for|grep for|look for|find|scan for|check for|hunt for|look up|comb for|go through everything for"
        ),
        "read": "read|open|show|print|view|look at|go through|have a look at|display|skim|take me through",
        "compare": "compare|diff|show the differences of|check|hold side by side|tell apart|contrast",
        "open": "open|edit|open up|bring up|let me work on|load|get me into|pop open|put me into|fire up",
        "change": "change|edit|fix|update|modify|adjust|tweak|rewrite|touch up|correct|amend|rework",
        "copy": (
            "copy|duplicate|make a copy of|back up|clone|replicate|save a second version of|mirror|put a spare of"
        ),
        "move": "move|put|shift|relocate|bring|transfer|drop|shove|take|park|carry",
        "create": "create|make|add|set up|start|open|prepare|i want|get me|whip up",
        "delete": (
            "delete|remove|get rid of|clean up|erase|throw away|drop|clear out|wipe|kill|discard|scrap|bin|purge|toss"
        ),
        "space": "space|disk space|room|storage|capacity|gigabytes|headroom",
        "heavy": "big|large|heavy|fat|bulky|much",
        "compress": (
            "compress|zip up|pack|archive|tar up|bundle|pack up|wrap up|squeeze|make a tarball of|shrink|roll up"
        ),
        "extract": "extract|unpack|unzip|untar|open up|decompress|expand|uncompress|blow up|inflate",
        "allow": "allow|let|permit|enable|authorise|grant|entitle",
        "check": (
            "check|look at|see|show me|what about|inspect|have a look at|verify|give me|how about|examine|test|eyeball"
        ),
        "busy": "busy|loaded|overloaded|sweating|struggling|swamped|maxed out|under strain",
        "slow": "slow|sluggish|laggy|hanging|crawling|unresponsive|stuck|dragging",
        "kill": (
            "kill|stop|terminate|end|quit|shut down|get rid of|close|halt|finish off|put an end to|take down|abort"
        ),
        "download": "download|fetch|get|grab|pull|pull down|retrieve|bring in|snatch",
        "install": "install|add|get|set up|pull in|bring in|grab|fetch|put in|include|load",
        "commit": "commit|save|check in|record|put on record|snapshot|seal|log",
        "push": "push|upload|send|publish|send up|share|ship|hand over|deliver",
        "run": "run|start|execute|launch|try|fire up|kick off|go through|spin up|trigger|do|get going with|invoke",
        "build": "build|compile|make|assemble|put together|produce|package|generate|bake|construct",
        "restart": "restart|bounce|reboot|reload|cycle|kick|relaunch|recycle|bring back|revive|refresh",
        "tests": "the tests|the test suite|the specs|the unit tests|the checks|the test cases|the assertions|the suite",
        "dependencies": "the dependencies|the requirements|the libraries|the packages|the modules|what we depend on",
        "processes": "the processes|the running programs|the jobs|the tasks|whatever is executing|the running things",
        "containers": "containers|docker containers|docker boxes|images in docker|instances|docker things",
        "disk": "the disk|the drive|the hard disk|the volume|the partition|the ssd|the storage",
        "memory": "memory|ram|main memory|working memory|heap",
        "changes": "my changes|my work|the changes|my edits|the modifications|what i did|my progress",
        "files": "the files|the documents|the items|the stuff|the entries",
        "project": "the project|the code|the application|the whole thing|our software|the sources",
        "commits": "commits|revisions|changesets|check-ins|versions",
        "pressure": "the load|the pressure|the utilisation|the workload|the stress",
        "machine": "the machine|the box|the system|the computer|the host|this server",
        "explain": (
            "explain|tell me about|help me with|describe|remind me how to use|teach me|walk me through|clarify"
        ),
    }.items()
}

VAGUE: dict[str, tuple[str, ...]] = {
    "find_files": _words(
        "what do we have here|look around|what files are there|show me what we have|where is all that stuff"
    ),
    "search_text": _words("search for that word|look it up in the code|where is that text|is that mentioned anywhere"),
    "inspect_file": _words(
        "let me read it|show me the content|what is in that file|have a look inside|what does it say"
    ),
    "edit_file": _words("change it|i need to edit that|make the change|fix that line|let me correct it"),
    "move_or_copy": _words("put it over there|copy that|move it where it belongs|keep a second one"),
    "delete": _words("get rid of it|clean this up|delete that|we do not need it any more|clear it away"),
    "disk_usage": _words("where did the space go|check the storage|disk usage please|what about the disk"),
    "system_status": _words(
        "is the machine okay|how is the box|system status|health of this computer|how are we doing on resources"
    ),
    "processes": _words(
        "look at the processes|what is going on in the background|something hogs this box"
        "|do something about that process"
    ),
    "network": _words("is the network fine|check the connection|does it answer|is it reachable"),
    "packages": _words("sort out the dependencies|packages please|get the libraries in order|update what we depend on"),
    "version_control": _words(
        "do the git thing|put it in git|next git step|take care of the repository|sort out my branch"
    ),
    "run_tests": _words("test it|does it still work|verify my change|check the tests"),
    "build": _words("make it|build please|put a fresh one together"),
    "run_program": _words("run it|start it|let it go|try it out|launch the thing"),
    "archive": _words("pack it up|handle the archive|do the tarball thing"),
    "permissions": _words("fix the rights|i am not allowed to|sort out the permissions|access denied again"),
    "containers": _words("look after the containers|docker please|what about the stack|handle the containers"),
    "services": _words("what about the service|take care of the daemon|is the service fine|see to the daemon"),
    "help": _words("i need help with that|how does this work|what does this do|i forgot the options"),
}

AGAIN = _words("do that again|again|once more|same again|repeat that|one more time|redo it|try again|and again")

CLAUSES: dict[str, tuple[str, ...]] = {
    "find_files": _words("now that i found the files|after finding it|from the list above"),
    "search_text": _words("i found the text|after that search|with those matches in mind"),
    "inspect_file": _words("i read the file|having looked at it|after reading that"),
    "edit_file": _words("i edited the file|my edit is done|after that change"),
    "move_or_copy": _words("the copy is done|everything is moved|after copying"),
    "delete": _words("the old stuff is deleted|after removing that|now that it is cleaned up"),
    "disk_usage": _words("the disk looks full|with so little space left|after checking the disk"),
    "system_status": _words("the load looks odd|memory seems fine|after checking the system"),
    "processes": _words("that process is gone|after killing it|the processes look fine"),
    "network": _words("the connection works|the api answered|after the ping"),
    "packages": _words("the install is done|the packages are in|after installing that"),
    "version_control": _words("that is committed|after the commit|the branch is up to date"),
    "run_tests": _words("the tests are done|the tests failed|after testing"),
    "build": _words("the build is done|after compiling|it builds"),
    "run_program": _words("the script ran|after running it|the program is up"),
    "archive": _words("the archive is there|it is unpacked|after packing"),
    "permissions": _words("the permissions are right|access works|after the chmod"),
    "containers": _words("the containers are up|docker is happy|after looking at docker"),
    "services": _words("the service is back|after the restart|nginx is fine"),
    "help": _words("i read the manual|thanks for the explanation|after the help page"),
}

ASIDES_FIRST = _words(
    "before you {other},|instead of trying to {other},|i will {other} later, now|no need to {other}, just"
    "|not {other} but"
    "|do not {other},|we can {other} tomorrow, first|i was about to {other}, but|{other} later, but"
    "|forget that i wanted to {other},|somebody else will {other},"
)
ASIDES_LAST = _words(
    "before i {other}|but do not {other} yet|instead of trying to {other}|so that we can {other} later"
    "|first, then {other}|and later i will {other}|rather than {other}|and after that {other}|, not {other}"
    "|because i have to {other} afterwards"
    "|i already tried to {other}|no need to {other}"
)
"""What else is on a person's mind: `{other}` is worded like a request of its own, so only the order of the words and
the word that joins them say which of the two is asked for."""

OPENINGS = _words(
    "please|can you|could you|hey,|i need you to|would you|ok,|now|next,|quickly|go ahead and|let's|just|then"
)
CLOSINGS = _words("please|for me|thanks|now|quickly|if you can|right away|ok?|again")

OUT_OF_SCOPE = _words(
    "what is the weather in {city}|order a pizza for {n} people|tell me a joke"
    "|who won the match yesterday|book a flight to {city}"
    "|write a poem about autumn|translate good morning into french|what is the capital of {country}|play some jazz"
    "|remind me to call my mother at {n}|how old is the universe|recommend a restaurant in {city}"
    "|what should i cook tonight"
    "|who is the president of {country}|set an alarm for {n} o'clock|how far is it to {city}"
    "|draw me a picture of a cat"
    "|what is my horoscope|buy {n} concert tickets|turn on the lights in the kitchen"
    "|send flowers to my wife|do you like music"
    "|what is the exchange rate of the euro|is it going to rain in {city}|sing me a song"
    "|how many calories are in an apple"
    "|summarise the news|find me a hotel in {city}|what is the meaning of life|who wrote hamlet"
    "|transfer {n} euros to my landlord"
    "|call a taxi|how tall is the eiffel tower|can dogs eat chocolate|when is the next train to {city}"
    "|tell me about your feelings"
)

NEW_SYNONYMS: dict[str, tuple[str, ...]] = {
    name: _words(text)
    for name, text in {
        "find": "surface|rustle up|sniff out|unearth",
        "show": "pull up|surface|render|let me peek at",
        "search": "sweep for|trawl for|sift for",
        "read": "peruse|scroll through|walk me through",
        "change": "patch|massage|retouch",
        "open": "crack open|hop into|jump into",
        "delete": "nuke|zap|vaporise|blow away",
        "copy": "fork off|stash a copy of|xerox",
        "move": "relocate over|teleport|shuffle",
        "compress": "crunch|ball up|cram together",
        "extract": "unwrap|unfurl|crack",
        "check": "sanity check|ping me about|size up|gauge",
        "kill": "zap|nix|axe|pull the plug on",
        "install": "slurp in|wire in|onboard",
        "commit": "lock in|stamp|checkpoint",
        "push": "beam up|yeet|land",
        "run": "spin|blast through|crank|rip",
        "build": "cook|forge|spin a build of",
        "restart": "power cycle|flip|respawn|jumpstart",
        "download": "slurp|siphon|nab",
    }.items()
}
"""What people say from the day on which the drift `wording` sets in; nobody says it before."""

"""The commonest words of languages that the words of a map are not to be named by: those that say how, not what."""

FUNCTION_WORDS = frozenset(
    (  # noqa: SIM905 - a list of a thousand strings can't be read
        # English
        "a an the and or but if then so as of at by for with about into to from up down in out on off over "
        "under again once here there when where why how all any both each few more most other some such no "
        "nor not only own same than too very can will just should now is am are was were be been being have "
        "has had having do does did doing i me my we our you your he him his she her it its they them their "
        "this that these those what which who whom would could may might must also get got one like im ive "
        "dont doesnt didnt cant wont isnt n't ll ve re please because while until though really still even "
        "much many after before since between without within during through "
        # Left over from pages of the web
        "amp quot lt gt nbsp apos href http https www com html br "
        # German
        "der die das den dem des ein eine einen einem einer und oder aber wenn dann als von bei für mit über "
        "zu aus auf um nach vor ich mich mir mein meine wir uns unser sie ihr ihnen ihre er ihn ihm sein "
        "seine es dies diese dieser dieses welche wer wo warum wie alle kein keine nicht nur auch sehr kann "
        "können wird werden würde ist sind war waren habe hat haben hatte bin noch schon mal doch nun jetzt "
        "ja da dass man zum zur vom "
        # French
        "le la les un une du de et ou mais si alors comme à au aux en dans sur sous pour par avec sans chez "
        "je moi mon ma mes nous notre nos vous votre vos il elle ils elles lui leur leurs son sa ses ce cet "
        "cette ces ça cela que qui quoi quel quelle où pourquoi comment tout tous toute toutes ne pas plus "
        "très aussi est sont suis était êtes être ai avons avez ont avoir fait faire peut c'est j'ai d'un "
        "qu'il n'est y même bien encore "
        # Spanish
        "el los las una unos unas lo o pero entonces como del al por para con sin sobre yo mi mis nosotros tu "
        "tus te usted ustedes su sus se él ella ellos ellas este esta estos estas ese esa eso esto qué quien "
        "cual donde cuándo cuando porque todo todos toda todas ni más muy también soy era ser estar está "
        "están estoy ha han hay hace puede ya aún sólo solo "
        # Italian
        "gli uno e allora come di della dei delle dal nel nella sul per senza io mio mia noi ci nostro voi vi "
        "lei loro suo sua questo questa questi quello quella che chi cosa quale dove perché quando tutto "
        "tutti non né più molto anche è sono essere sia ho hanno abbiamo c'è fa può già ancora "
        # Dutch
        "het een maar dan zo van bij voor met uit op aan om naar door ik mij mijn wij ons onze jij jouw u uw "
        "hij hem zijn zij ze haar hun dit dat deze wat welke waar waarom hoe geen niet nog ook zeer heel kan "
        "kunnen wil wordt worden zou heb heeft hebben ben wel nu dus toch graag "
        # Portuguese
        "os uma mas então dos em na nas com sem eu meu minha nós nosso você vocês seu ele ela eles elas lhe "
        "isto esse isso aquele quem qual onde tudo não nem muito também é são sou estão estou tenho tem têm "
        "há foi pode já ainda só "
        # Polish
        "w z nie się że jest są był była było ale czy jak już tak co po za od dla przez przy mnie mój moja wy "
        "pan pani ona ono oni jego jej ten ta tego tym który która które gdzie kiedy dlaczego wszystko bardzo "
        "tylko też jeszcze może "
        # Swedish, Danish, Norwegian
        "och og att det som ett på är av af för med til till inte ikke ikkje har hade havde var jag jeg mig "
        "min mitt oss dig din denna dette denne hon från fra men så ska skal vill vil bli blir blev alla när "
        "når vad hva hvad varför hvorfor hur hvordan mycket meget også också bara bare mer ut upp opp ned "
        # Turkish
        "bir bu için ile çok ama gibi daha benim bana sen biz bizim siz onun neden nasıl yok değil mı mu "
        "kadar sonra önce olarak olan hiç şey ki "
    ).split()
)
